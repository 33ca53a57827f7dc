"""R20: cuts of any dtype and layout are exact, resized cuts within a gray level of torchvision.

`tests/views` holds the slow references pixel by pixel and the bicubic kernel; here every dtype,
memory layout and kind of box goes against torchvision and Pillow.
"""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import InterpolationMode, functional

import tamecrop as tc
from tamecrop.views.cut import cut
from tamecrop.views.tensors import cut_one

SIZE = (37, 53)
LAWS = ("rc:scale=0.4", "rrc:scale=0.1..1", "gcc:scale=0.4,sigma=0.3", "gcc:scale=0.9,sigma=0.1")
DTYPES = (
    torch.uint8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
)
LAYOUTS = {
    "contiguous": lambda images: images.contiguous(),
    "channels last": lambda images: images.contiguous(memory_format=torch.channels_last),
    "every other": lambda images: images.repeat_interleave(2, dim=0)[::2],
    "transposed": lambda images: images.mT.contiguous().mT,
    "a window": lambda images: torch.nn.functional.pad(images, [3, 4, 5, 6])[..., 5:-6, 3:-4],
}
N = 24


def images(dtype=torch.uint8):
    noise = torch.randint(0, 256, (N, 3, *SIZE), generator=torch.Generator().manual_seed(20))
    return noise.to(torch.uint8).to(dtype)


def drawn(law, views=2):
    return tc.policy(law).draw(SIZE, index=np.arange(N), views=views)


def window(image, box):
    """The box with black around the image, by torchvision."""
    x1, y1, x2, y2 = box
    wide = functional.pad(image, [200])
    return functional.crop(wide, y1 + 200, x1 + 200, y2 - y1, x2 - x1)


def exact_errors(laid, law="gcc:scale=0.4,sigma=0.3", shift=0):
    """Pixels in which our cuts of images and torchvision's differ."""
    boxes = drawn(law)
    views = cut(laid, boxes + shift)
    wrong = 0
    for image, its_boxes, its_views in zip(laid, boxes.tolist(), views, strict=True):
        for box, view in zip(its_boxes, its_views, strict=True):
            wrong += int((window(image, box) != view).sum())
    return wrong


def test_exact_cuts_are_torchvisions_in_every_dtype_and_layout(record):
    cells = [(dtype, layout) for dtype in DTYPES for layout in LAYOUTS]
    for dtype, layout in cells:
        laid = LAYOUTS[layout](images(dtype))
        assert torch.equal(laid, images(dtype))
        assert exact_errors(laid) == 0, (dtype, layout)
    record("R20.exact", f"{len(cells)} dtypes x layouts, 0 pixels differ", n=len(cells))


def test_exact_cuts_are_pillows():
    boxes = drawn("gcc:scale=0.4,sigma=0.3")
    for image, its_boxes, views in zip(images(), boxes, cut(images(), boxes), strict=True):
        picture = Image.fromarray(image.permute(1, 2, 0).numpy())
        for box, view in zip(its_boxes.tolist(), views, strict=True):
            assert np.array_equal(np.asarray(picture.crop(box)), view.permute(1, 2, 0).numpy())


def worst(ours, boxes, size):
    """Gray levels by which views differ at most from torchvision's resize of the same boxes."""
    gaps = [
        (functional.resize(window(image, box), [size, size], antialias=True).int() - view.int())
        .abs()
        .max()
        for image, its_boxes, views in zip(images(), boxes.tolist(), ours, strict=True)
        for box, view in zip(its_boxes, views, strict=True)
    ]
    return int(max(gaps))


@pytest.mark.parametrize("size", [16, 53, 80])
@pytest.mark.parametrize("law", LAWS)
def test_resized_cuts_are_within_a_level_of_torchvisions(law, size, record):
    boxes = drawn(law)
    batched = worst(cut(images(), boxes, size=size), boxes, size)
    one_by_one = torch.stack(
        [cut_one(image, box, size=size) for image, box in zip(images(), boxes, strict=True)]
    )
    assert batched <= 1
    assert worst(one_by_one, boxes, size) <= 1
    cells = [(each, side) for each in LAWS for side in (16, 53, 80)]
    letter = "abcdefghijkl"[cells.index((law, size))]
    record(
        f"R20.{letter}", f"{law} to {size} px: {batched} levels at most", n=2 * N, levels=batched
    )


def test_resized_cuts_are_within_a_level_of_pillows_where_the_box_is_inside():
    boxes = drawn("rrc:scale=0.1..1", views=1)
    views = cut(images(), boxes, size=32)[:, 0]
    for image, (box,), view in zip(images(), boxes.tolist(), views, strict=True):
        picture = Image.fromarray(image.permute(1, 2, 0).numpy()).crop(box)
        theirs = np.asarray(picture.resize((32, 32), Image.Resampling.BILINEAR)).astype(int)
        assert np.abs(theirs - view.permute(1, 2, 0).numpy()).max() <= 1


def test_floats_are_resized_as_torchvision_resizes_them():
    boxes = drawn("gcc:scale=0.4,sigma=0.3")
    views = cut(images(torch.float32), boxes, size=20)
    for image, its_boxes, its_views in zip(
        images(torch.float32), boxes.tolist(), views, strict=True
    ):
        for box, view in zip(its_boxes, its_views, strict=True):
            mode = InterpolationMode.BILINEAR
            theirs = functional.resize(window(image, box), [20, 20], mode, antialias=True)
            torch.testing.assert_close(view, theirs, atol=2e-3, rtol=0)


def test_wrong_cuts_are_seen():
    assert exact_errors(images(), shift=np.array([1, 0, 1, 0])) > 0
    boxes = drawn("rc:scale=0.4")
    ours = cut(images(), boxes, size=32)
    assert worst(ours, boxes + np.array([0, 1, 0, 1]), 32) > 1
    plain = [
        functional.resize(window(image, box), [16, 16], antialias=False)
        for image, (box, _) in zip(images(), boxes.tolist(), strict=True)
    ]
    assert worst(torch.stack(plain)[:, None], boxes[:, :1], 16) > 1

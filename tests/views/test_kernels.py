"""One cut of one input: the same pixels, however they lie in memory and whatever makes them."""

import numpy as np
import PIL
import pytest
import torch
from PIL import Image
from torchvision import tv_tensors
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

from tamecrop.views.kernels import Scissors, pack, read_fill

MODES = [InterpolationMode.BILINEAR, InterpolationMode.BICUBIC, InterpolationMode.NEAREST]
SHIFTED = {"top": -4, "left": 9, "height": 20, "width": 31}
"""Leaves an image of 24x30 pixels above and to the right."""


def pixels(*shape):
    values = torch.randint(1, 256, shape, generator=torch.Generator().manual_seed(1))
    return values.to(torch.uint8)


def scissors(fill=0, size=None, mode=InterpolationMode.BILINEAR):
    return Scissors("in_place", size, read_fill(fill), mode, antialias=True)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("antialias", [True, False])
def test_a_packed_part_is_resized_to_the_same_bits(channels, mode, antialias):
    part = pixels(channels, 40, 60)[:, 3:32, 7:50]
    packed = pack(part)
    assert packed.is_contiguous()
    assert not part.is_contiguous()
    how = {"size": [17, 21], "interpolation": mode, "antialias": antialias}
    ours, theirs = (functional.resize(each, **how) for each in (packed, part))
    assert torch.equal(ours, theirs)
    assert ours.stride() == theirs.stride()


def test_what_is_packed_keeps_its_kind_and_what_gains_nothing_is_left():
    image = tv_tensors.Image(pixels(3, 40, 60))
    part = functional.crop(image, 3, 7, 20, 30)
    assert type(pack(part)) is tv_tensors.Image
    assert torch.equal(pack(part), part)
    by_pixel = pixels(40, 60, 3).movedim(2, 0)[:, 3:32, 7:50]
    wide = pixels(3, 40, 60).float()[:, 3:32, 7:50]
    assert pack(by_pixel) is by_pixel
    assert pack(wide) is wide


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
@pytest.mark.parametrize("size", [None, (12, 15)])
def test_a_box_that_leaves_a_picture_gets_zeros_in_every_mode(mode, size):
    if mode == "I;16" and size is not None and int(PIL.__version__.partition(".")[0]) < 11:
        pytest.skip("Pillow 10 resizes no images of this mode")
    found = Image.fromarray(pixels(24, 30, 3).numpy())
    found = found.convert("L").convert("I").convert(mode) if ";" in mode else found.convert(mode)
    zeros = Image.new(mode, (31, 20))
    if mode == "P":
        zeros.putpalette(found.getpalette())
    zeros.paste(found.crop((9, 0, 30, 16)), (0, 4))
    expected = zeros if size is None else zeros.resize(size[::-1], Image.Resampling.BILINEAR)
    view = scissors(size=size).cut(found, **SHIFTED)
    assert view.mode == mode
    assert np.array_equal(np.asarray(view), np.asarray(expected))
    assert view.getpalette() == expected.getpalette()
    assert np.asarray(view).any()


@pytest.mark.parametrize("kind", [tv_tensors.Image, tv_tensors.Video, torch.as_tensor])
def test_zeros_and_another_fill_differ_in_what_lies_outside_alone(kind):
    image = kind(pixels(2, 3, 24, 30))
    zeros, nines = (scissors(fill).cut(image, **SHIFTED) for fill in (0, 9))
    assert type(zeros) is type(nines) is type(image)
    inside = (slice(None), slice(None), slice(4, None), slice(0, 21))
    assert torch.equal(zeros[inside], nines[inside])
    assert torch.equal(zeros[inside], image[..., :16, 9:])
    zeros[inside], nines[inside] = 0, 9
    assert (zeros == 0).all()
    assert (nines == 9).all()


@pytest.mark.parametrize("box", [SHIFTED, {**SHIFTED, "top": 1, "left": 0, "width": 29}])
def test_masks_are_resized_to_the_nearest_pixel_wherever_their_box_lies(box):
    mask = tv_tensors.Mask(pixels(1, 24, 30))
    found = scissors(size=(17, 19), mode=InterpolationMode.NEAREST_EXACT).cut(mask, **box)
    exact = scissors().cut(mask, **box)
    assert torch.equal(found, functional.resize(exact, [17, 19], InterpolationMode.NEAREST))
    assert type(found) is tv_tensors.Mask

"""K5: what a caller holds in memory is audited whatever its form, or refused in one line."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

import tamecrop as tc
from tamecrop.audit.subject import find_subject
from tamecrop.data.sources import load

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 3, 16, 24), np.uint8)
LAST = np.moveaxis(PIXELS, 1, -1)
PICTURES = [Image.fromarray(np.ascontiguousarray(each)) for each in LAST]
FORMS = {
    "a tensor": torch.from_numpy(PIXELS),
    "an array": PIXELS,
    "an array with channels last": LAST,
    "tensors": [*torch.from_numpy(PIXELS)],
    "arrays": [*PIXELS],
    "arrays with channels last": [*LAST],
    "PIL images": PICTURES,
    "real numbers from 0 to 1, channels last": LAST / 255,
}


@pytest.mark.parametrize("name", FORMS)
def test_images_of_every_form_are_the_same(name):
    found = find_subject(FORMS[name])
    assert found.images.channels == 3
    assert found.images.sizes.tolist() == [[16, 24]] * 5
    for place in range(5):
        assert torch.equal(found.images.image(place), torch.from_numpy(PIXELS[place])), name


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "CMYK", "I;16"])
def test_a_pil_image_is_what_its_file_is(tmp_path, mode):
    image = PICTURES[0].convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.arange(384, dtype=np.uint16).reshape(16, 24) * 100)
    if mode == "RGBA":
        image.putalpha(Image.fromarray(np.arange(384, dtype=np.uint8).reshape(16, 24)))
    content = io.BytesIO()
    image.save(content, "TIFF")
    path = tmp_path / "a.tif"
    path.write_bytes(content.getvalue())
    held = find_subject([image]).images.image(0).expand(3, -1, -1)
    assert torch.equal(held, find_subject([path]).images.image(0))


def test_labels_are_numbers_from_0_on_or_texts():
    texts = find_subject(PIXELS, labels=["dog", "cat", "dog", "cat", "owl"])
    assert texts.images.labels.tolist() == [1, 0, 1, 0, 2]
    assert texts.classes == ("0", "1", "2")
    assert find_subject(PIXELS, labels=[1.0, 0, 1, 0, 2]).images.labels.tolist() == [1, 0, 1, 0, 2]
    for labels, said in (
        ([-1, 0, 0, 0, 0], "must be whole numbers from 0 on, got -1"),
        ([0.5, 0, 0, 0, 0], "must be whole numbers or texts, got float64"),
        ([None] * 5, "must be whole numbers or texts, got object"),
        ([0, 1], "must have one entry per image, got 2 for 5"),
    ):
        with pytest.raises(ValueError, match=f"`labels` {said}"):
            find_subject(PIXELS, labels=labels)


def test_what_is_no_batch_is_refused():
    with pytest.raises(ValueError, match=r"\(N, C, H, W\) or \(N, H, W, C\).*got \(16, 24\)"):
        find_subject(PIXELS[0, 0])
    with pytest.raises(ValueError, match="as many channels each"):
        find_subject([PIXELS[0], PIXELS[0, :2]])
    with pytest.raises(ValueError, match="`data` must be a name or a path, got an empty text"):
        load("")


BOX = np.array([[[1, 1, 9, 9]]])


@pytest.mark.parametrize("image", [PICTURES[0], LAST[0], torch.from_numpy(PIXELS[0])])
def test_one_image_and_the_boxes_of_a_batch_are_told_apart(image):
    with pytest.raises(ValueError, match=r"one image takes `boxes` of shape \(V, 4\), got \(1, 1"):
        tc.cut(image, BOX)
    one, several = tc.cut(image, BOX[0]), tc.cut([image], BOX)
    assert np.array_equal(np.asarray(one[0]), np.asarray(several[0][0]))


def test_no_view_and_complex_pixels_are_refused_in_one_line():
    with pytest.raises(ValueError, match="must have at least one view an image, got"):
        tc.cut(torch.zeros(2, 3, 8, 8), np.zeros((2, 0, 4), int), size=4)
    for images in (torch.zeros(1, 3, 9, 9) * 1j, np.zeros((1, 9, 9)) * 1j):
        with pytest.raises(TypeError, match=r"bool, integers or floats, got .*complex"):
            tc.cut(images, BOX, size=4)
    assert tc.cut(torch.zeros(0, 3, 8, 8), np.zeros((0, 2, 4), int), size=4).shape == (
        0,
        2,
        3,
        4,
        4,
    )

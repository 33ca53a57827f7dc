"""The cut without torch keeps the rules of the cut of tensors."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from PIL import Image

import tamecrop as tc

DTYPES = ("uint8", "int8", "int16", "uint16", "int32", "int64", "bool", "f2", "f4", "f8")
SIZES = (None, 9, (20, 31))
NEAREST = ("nearest", "nearest-exact")
MODES = ("bilinear", "bicubic", *NEAREST)


def noise(n=4, side=(17, 23), channels=3, dtype="uint8", seed=0):
    pixels = np.random.default_rng(seed).integers(0, 120, (n, *side, channels))
    return pixels > 60 if dtype == "bool" else pixels.astype(dtype)


def boxes_of(n=4, views=2, seed=0):
    policy = tc.policy("gcc:scale=0.4,sigma=0.5")
    return policy.draw((17, 23), views=views, index=np.arange(n), seed=seed)


def by_torch(images, boxes, **how):
    """The cut of tensors, `(N, V, h, w, C)`."""
    views = tc.cut(torch.from_numpy(images).movedim(-1, 1), boxes, **how)
    return views.movedim(2, -1).numpy()


def is_allowed(size, mode, dtype):
    return size is None or mode in NEAREST or dtype != "bool"


@given(
    seed=st.integers(0, 10**6),
    dtype=st.sampled_from(DTYPES),
    size=st.sampled_from(SIZES),
    mode=st.sampled_from(MODES),
    content=st.sampled_from(["in_place", "centered"]),
    channels=st.sampled_from([1, 2, 3, 4, 9]),
    as_list=st.booleans(),
)
def test_the_views_are_those_of_tensors(seed, dtype, size, mode, content, channels, as_list):
    if not is_allowed(size, mode, dtype):
        return
    images, boxes = noise(channels=channels, dtype=dtype, seed=seed), boxes_of(seed=seed)
    how = {"size": size, "interpolation": mode, "content": content, "fill": 5}
    ours = tc.cut(list(images) if as_list else images, boxes, **how)
    theirs = by_torch(images, boxes, **how)
    assert ours.dtype == images.dtype
    assert ours.shape == theirs.shape
    if size is None or mode in NEAREST:
        assert np.array_equal(ours, theirs)
    elif dtype[0] == "f":
        assert np.abs(ours.astype("f8") - theirs).max() <= {"f2": 0.1}.get(dtype, 5e-4)
    else:  # Pillow rounds and clips between its two passes
        levels = 12 if (dtype, mode, as_list) == ("uint8", "bicubic", True) else 1
        assert np.abs(ours.astype(int) - theirs).max() <= levels


def test_other_boxes_or_other_pixels_are_seen():
    right = by_torch(noise(), boxes_of())
    assert not np.array_equal(tc.cut(noise(), boxes_of() + 1), right)
    assert not np.array_equal(tc.cut(noise(seed=1), boxes_of()), right)
    resized = by_torch(noise(), boxes_of(), size=9).astype(int)
    assert np.abs(tc.cut(noise(seed=1), boxes_of(), size=9) - resized).max() > 1


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", MODES)
def test_gray_arrays_have_no_channels(size, mode):
    images = noise(channels=1)
    how = {"size": size, "interpolation": mode, "fill": 7}
    gray = tc.cut(images[..., 0], boxes_of(), **how)
    assert np.array_equal(gray, tc.cut(images, boxes_of(), **how)[..., 0])


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("size", [9, (20, 31)])
def test_what_is_not_finite_stays_under_its_kernel(value, size):
    images = noise(dtype="f4")
    images[:, 8, 11] = value
    ours, theirs = tc.cut(images, boxes_of(), size=size), by_torch(images, boxes_of(), size=size)
    assert np.array_equal(np.isfinite(ours), np.isfinite(theirs))
    assert 0 < np.isfinite(ours).mean() < 1


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_integers_of_64_bits_are_clipped_to_their_range(dtype):
    images = np.full((1, 8, 8, 1), np.iinfo(dtype).max, dtype=dtype)
    boxes = np.array([[[2, 2, 7, 7]]])
    assert (tc.cut(images, boxes) == images.max()).all()
    assert (tc.cut(images, boxes, size=3) > images.max() // 2).all()
    filled = tc.cut(images, np.array([[[9, 9, 12, 12]]]), fill=1e30)
    assert (filled == images.max()).all()


PICTURES = {
    "L": noise(1)[0, ..., 0],
    "RGB": noise(1)[0],
    "LA": noise(1, channels=2)[0],
    "RGBA": noise(1, channels=4)[0],
    "F": noise(1, dtype="f4")[0, ..., 0],
    "I": noise(1, dtype="i4")[0, ..., 0],
    "I;16": noise(1, dtype="u2")[0, ..., 0] * 500,
    "1": noise(1, dtype="bool")[0, ..., 0],
}


def picture(mode):
    image = Image.fromarray(PICTURES[mode])
    assert image.mode == mode
    return image


@pytest.mark.parametrize("mode", PICTURES)
@pytest.mark.parametrize("content", ["in_place", "centered"])
@pytest.mark.parametrize(("size", "how"), [(None, "bilinear"), (9, "nearest"), (9, "bilinear")])
def test_pictures_keep_their_mode_and_have_the_pixels_of_arrays(mode, content, size, how):
    if (mode, size, how) == ("1", 9, "bilinear"):
        pytest.skip("refused; see below")
    named = {"size": size, "interpolation": how, "content": content}
    (views,) = tc.cut([picture(mode)], boxes_of(1), **named)
    (arrays,) = tc.cut([PICTURES[mode]], boxes_of(1), **named)
    assert [view.mode for view in views] == [mode, mode]
    pixels = np.stack([np.asarray(view) for view in views]).astype("f8")
    if size is None or how == "nearest" or "A" not in mode:
        assert np.abs(pixels - arrays).max() <= (size is not None and how == "bilinear")
    else:
        assert np.abs(pixels[..., -1] - arrays[..., -1]).max() <= 1  # colors weigh by alpha


def test_a_palette_stays_and_is_not_averaged():
    image = picture("RGB").convert("P", palette=Image.Palette.ADAPTIVE)
    box = np.array([[3, 2, 14, 12]])
    (view,) = tc.cut(image, box)
    assert view.getpalette() == image.getpalette()
    assert view.convert("RGB").tobytes() == image.convert("RGB").crop((3, 2, 14, 12)).tobytes()
    for mode in ("P", "1"):
        with pytest.raises(
            ValueError, match=f"nearest or nearest-exact for PIL images of mode {mode}"
        ):
            tc.cut(image.convert(mode), box, size=4)


def test_a_picture_is_what_the_transform_gives():
    crop = tc.transforms.Crop("gcc:scale=0.4", size=9)
    torch.manual_seed(0)
    theirs = crop(picture("RGB"))
    torch.manual_seed(0)
    params = crop.make_params([picture("RGB")])
    left, top = params["left"], params["top"]
    box = np.array([[left, top, left + params["width"], top + params["height"]]])
    (ours,) = tc.cut(picture("RGB"), box, size=9)
    assert ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("form", [picture("RGB"), noise(1)[0], torch.zeros(3, 17, 23)])
def test_one_image_has_no_axis_of_images(form):
    one, several = tc.cut(form, boxes_of(1)[0], size=9), tc.cut([form], boxes_of(1), size=9)
    assert len(one) == 2
    assert np.array_equal(
        np.stack([*map(np.asarray, one)]), np.stack([*map(np.asarray, several[0])])
    )


def test_inputs_are_untouched():
    images = noise()
    before = images.copy()
    tc.cut(images, boxes_of(), size=9)
    tc.cut(images, boxes_of())[:] = 0
    assert np.array_equal(images, before)


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (noise(dtype="bool"), ValueError, "nearest or nearest-exact for bool images"),
        (noise(1).astype("complex"), TypeError, "bool, integers or floats, got complex128"),
        (noise()[0, 0], ValueError, r"shape \(N, H, W\) or"),
        ([noise()[0], "a picture"], TypeError, "an array .* got str"),
        ([noise()[0], noise()], TypeError, r"got one of \(4, 17"),
        (["a picture"], TypeError, "tensors, NumPy arrays or PIL images"),
    ],
)
def test_what_is_no_image_is_refused(images, error, message):
    with pytest.raises(error, match=message):
        tc.cut(images, boxes_of(len(images)), size=9)


def test_a_batch_needs_boxes_of_each_image():
    with pytest.raises(ValueError, match=r"`boxes` must have shape \(40, V, 4\)"):
        tc.cut(np.zeros((40, 17, 80)), np.zeros((40, 4), dtype=int))

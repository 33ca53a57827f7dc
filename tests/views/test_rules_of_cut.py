"""One set of rules for all ways to cut: batch and list, exact and resized, CPU and device."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torchvision.transforms.v2 import InterpolationMode, functional

import tamecrop as tc
from tamecrop.views import exact, sampling
from tamecrop.views.cut import cut
from tamecrop.views.tensors import cut_one

DTYPES = (
    torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16,
    torch.bool, torch.float16, torch.bfloat16, torch.float32, torch.float64,
)  # fmt: skip
FLOATS = (torch.float32, torch.float64)
SIZES = (None, 9, (20, 31))
NEAREST = ("nearest", "nearest-exact")


def noise(n=4, side=(17, 23), dtype=torch.uint8, seed=0):
    pixels = torch.randint(0, 120, (n, 3, *side), generator=torch.Generator().manual_seed(seed))
    return (pixels > 60) if dtype == torch.bool else pixels.to(dtype)


def boxes_of(n=4, views=2, seed=0):
    policy = tc.policy("gcc:scale=0.4,sigma=0.5")
    return policy.draw((17, 23), views=views, index=np.arange(n), seed=seed)


def as_bits(views):
    kinds = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    return views.contiguous().view(kinds[views.element_size()])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["bilinear", "bicubic", *NEAREST])
@pytest.mark.parametrize("content", ["in_place", "centered"])
def test_a_list_is_cut_as_a_batch_and_dtypes_stay(dtype, size, mode, content):
    if dtype == torch.bool and mode not in NEAREST and size is not None:
        pytest.skip("bool images are resized to the nearest pixel alone; see below")
    images = noise(dtype=dtype)
    how = {"size": size, "fill": 1, "content": content, "interpolation": mode}
    together = cut(images, boxes_of(), **how)
    singly = cut(list(images), boxes_of(), **how)
    assert together.dtype == singly.dtype == dtype
    assert together.shape == singly.shape
    if size is None or mode in NEAREST:
        assert torch.equal(as_bits(together), as_bits(singly))
    elif dtype.is_floating_point:
        tolerance = {torch.float16: 0.1, torch.bfloat16: 1}.get(dtype, 5e-4)
        assert (together.double() - singly.double()).abs().max() <= tolerance
    else:
        levels = 12 if (dtype, mode) == (torch.uint8, "bicubic") else 1
        assert (together.long() - singly.long()).abs().max() <= levels


def test_another_image_is_not_cut_the_same():
    other = cut(list(noise(seed=1)), boxes_of(), size=9)
    assert (cut(noise(), boxes_of(), size=9).int() - other.int()).abs().max() > 12


@pytest.mark.parametrize("mode", NEAREST)
def test_nearest_pixels_are_torchvisions(mode):
    random = np.random.default_rng(0)
    image = torch.randint(-(2**24), 2**24, (1, 1, 90, 120))  # theirs goes through 32-bit floats
    for _ in range(60):
        x1, y1 = random.integers(0, 100), random.integers(0, 70)
        x2, y2 = random.integers(x1 + 1, 121), random.integers(y1 + 1, 91)
        size = random.integers(1, 60, 2).tolist()
        ours = cut(image, np.array([[[x1, y1, x2, y2]]]), size=size, interpolation=mode)
        whole = functional.crop(image[0], y1, x1, y2 - y1, x2 - x1)
        theirs = functional.resize(whole, size, InterpolationMode(mode))
        assert torch.equal(ours[0, 0], theirs)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_nearest_invents_no_label(dtype):
    labels = noise(dtype=dtype)
    views = cut(labels, boxes_of(), size=40, interpolation="nearest", fill=0)
    assert set(views.long().unique().tolist()) <= {0, *labels.long().unique().tolist()}
    if dtype not in (torch.bool, torch.float16, torch.bfloat16):
        averaged = cut(labels, boxes_of(), size=40, fill=0)
        assert not torch.equal(as_bits(averaged), as_bits(views))


@pytest.mark.parametrize("images", [noise(dtype=torch.bool), list(noise(dtype=torch.bool))])
def test_bool_images_are_not_averaged(images):
    with pytest.raises(ValueError, match="nearest or nearest-exact for bool images, got 'bilin"):
        cut(images, boxes_of(), size=9)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_indexing_pixels_gives_the_bits_of_copying_rows(dtype):
    images, boxes = noise(dtype=dtype), boxes_of()
    width, height = (boxes[0, 0, 2:] - boxes[0, 0, :2]).tolist()
    across = sampling.runs(boxes[..., 0], width, 23, "centered")
    down = sampling.runs(boxes[..., 1], height, 17, "centered")
    there = exact.on_device(images, across, down, (height, width), torch.ones(3).to(dtype))
    here = cut(images, boxes, fill=1, content="centered")
    assert torch.equal(as_bits(here), as_bits(there))


@given(
    seed=st.integers(0, 10**6),
    value=st.sampled_from([torch.nan, torch.inf, -torch.inf]),
    dtype=st.sampled_from(FLOATS),
    size=st.sampled_from(SIZES),
    mode=st.sampled_from(["bilinear", "bicubic", *NEAREST]),
    as_list=st.booleans(),
)
def test_what_is_not_finite_stays_under_its_kernel(seed, value, dtype, size, mode, as_list):
    images, boxes = noise(2, dtype=dtype), boxes_of(2, seed=seed)
    at = torch.randint(0, 17 * 23, (2,), generator=torch.Generator().manual_seed(seed))
    spoiled = images.clone()
    for image, place in zip(spoiled, at.tolist(), strict=True):
        image.flatten(1)[:, place] = value
    how = {"size": size, "interpolation": mode}
    views = cut(list(spoiled) if as_list else spoiled, boxes, **how)
    clean = cut(images, boxes, **how)
    moved = (cut(spoiled.isfinite().double(), boxes, fill=1, **how) - 1).abs() > 1e-12
    assert torch.equal(views.isfinite(), ~moved)
    torch.testing.assert_close(views[~moved], clean[~moved], atol=1e-4, rtol=0)


def test_a_pixel_outside_the_box_spoils_nothing_and_one_inside_spoils_its_surroundings():
    images = torch.zeros(1, 1, 32, 32)
    images[0, 0, 0, 0] = torch.nan
    far, near = np.array([[[8, 8, 24, 24]]]), np.array([[[0, 0, 16, 16]]])
    for form in (images, list(images)):
        assert cut(form, far, size=8).isfinite().all()
        spoiled = ~cut(form, near, size=8).isfinite()
        assert spoiled[..., 0, 0].all()
        assert spoiled.sum() <= 4


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["bilinear", "bicubic", *NEAREST])
@pytest.mark.parametrize("as_list", [False, True])
def test_gradients_flow_to_the_pixels_that_were_cut(size, mode, as_list):
    images = noise(2, dtype=torch.float64).requires_grad_()
    form = list(images) if as_list else images
    cut(form, boxes_of(2), size=size, interpolation=mode).sum().backward()
    counted = cut(noise(2, dtype=torch.float64), boxes_of(2), size=size, interpolation=mode)
    assert images.grad is not None
    # Cutting is linear, so the gradient of the sum gives the sum back.
    torch.testing.assert_close((images.grad * noise(2, dtype=torch.float64)).sum(), counted.sum())
    with torch.no_grad():
        again = cut(form, boxes_of(2), size=size, interpolation=mode)
    assert torch.equal(again, counted) or as_list
    assert not again.requires_grad


def test_64_bits_are_resized_in_64_bits():
    for dtype, top in ((torch.float64, 1.0), (torch.int32, 2**30)):
        pixels = torch.full((1, 1, 16, 16), top, dtype=torch.float64)
        images = (pixels + torch.arange(16) * (1e-12 if top == 1 else 1)).to(dtype)
        for form in (images, list(images)):
            views = cut(form, np.array([[[1, 1, 15, 15]]]), size=7)
            assert (views.diff(dim=-1) > 0).all()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("dtype", "fill", "seen"),
    [
        (torch.uint8, 300, 255),
        (torch.uint8, -3, 0),
        (torch.uint8, 7.6, 8),
        (torch.int16, 1e9, 2**15 - 1),
        (torch.bool, 5, True),
        (torch.float32, 7.6, 7.6),
    ],
)
def test_fill_is_rounded_and_clipped_to_what_pixels_can_be(size, dtype, fill, seen):
    outside = np.array([[[-40, -40, -30, -30]]])
    mode = "nearest" if dtype == torch.bool else "bilinear"
    for form in (noise(1, dtype=dtype), list(noise(1, dtype=dtype))):
        views = cut(form, outside, size=size, fill=fill, interpolation=mode)
        assert (views.double() - float(seen)).abs().max() < 1e-5


def test_fill_that_no_pixel_can_be_is_refused():
    nan = float("nan")
    for size, dtype in ((None, torch.uint8), (9, torch.float32)):
        for form in (noise(dtype=dtype), list(noise(dtype=dtype))):
            with pytest.raises(ValueError, match="`fill` must satisfy finite numbers"):
                cut(form, boxes_of(), size=size, fill=nan)
    assert (
        cut(noise(dtype=torch.float32), np.full((4, 1, 4), [-9, -9, -1, -1]), fill=nan)
        .isnan()
        .all()
    )


def test_words_are_those_of_the_transforms():
    for mode in ("bicubic", InterpolationMode.BICUBIC, 3):
        views = cut(noise(), boxes_of(), size=[np.int64(9)], interpolation=mode)
        assert torch.equal(views, cut(noise(), boxes_of(), size=9, interpolation="bicubic"))
    with pytest.raises(ValueError, match="unknown interpolation 'lanczos'"):
        cut(noise(), boxes_of(), size=9, interpolation="lanczos")
    assert torch.equal(
        cut_one(noise()[0], torch.from_numpy(boxes_of()[0])), cut(noise(), boxes_of())[0]
    )


def test_a_compiled_cut_does_what_it_did():
    boxes = boxes_of()
    compiled = torch.compile(lambda images: cut(images * 1, boxes, size=9), backend="eager")
    assert torch.equal(compiled(noise()), cut(noise(), boxes_of(), size=9))


def test_a_batch_of_tensors_with_channels_last_is_refused():
    with pytest.raises(ValueError, match=r"must have shape \(N, C, H, W\), got \(4, 17, 23, 3\)"):
        cut(torch.zeros(4, 17, 23, 3, dtype=torch.uint8), boxes_of())
    assert cut(torch.zeros(4, 64, 4, 4), np.full((4, 1, 4), [0, 0, 2, 2])).shape == (4, 1, 64, 2, 2)

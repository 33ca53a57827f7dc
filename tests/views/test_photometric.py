"""Colors of views: torchvision's values, and parameters of each view's own."""

from dataclasses import replace

import kornia.enhance
import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional

from tamecrop.geometry import Draw, keys
from tamecrop.views.coloring import turn_hue
from tamecrop.views.photometric import Finish, Photometric, normalize, photometric


def views(n=6, channels=3):
    noise = torch.randint(
        0, 256, (n, 2, channels, 12, 12), generator=torch.Generator().manual_seed(3)
    )
    return noise.to(torch.uint8)


@pytest.mark.parametrize("name", ["paper", "simclr", "scenes"])
def test_a_view_looks_the_same_in_any_batch(name):
    step = photometric(name)
    together = step.apply(views(), seed=1, epoch=2, index=np.arange(6))
    alone = step.apply(views()[[4, 2]], seed=1, epoch=2, index=[4, 2])
    assert torch.equal(alone, together[[4, 2]])
    assert not torch.equal(together, step.apply(views(), seed=2, epoch=2, index=np.arange(6)))
    assert together.min() >= 0
    assert together.max() <= 1


@pytest.mark.parametrize("name", ["paper", "simclr", "scenes"])
def test_a_view_looks_the_same_for_any_number_of_threads_and_in_any_chunks(name, monkeypatch):
    many, before = views(300), torch.get_num_threads()
    alone = photometric(name).apply(many, seed=1)
    try:
        torch.set_num_threads(3)
        assert torch.equal(photometric(name).apply(many, seed=1), alone)
    finally:
        torch.set_num_threads(before)
    monkeypatch.setattr("tamecrop.views.coloring._CACHED", 1)
    assert torch.equal(photometric(name).apply(many, seed=1), alone)


@pytest.mark.parametrize("name", ["paper", "simclr", "scenes"])
def test_finished_views_are_colored_and_then_normalized(name):
    many, (mean, std) = views(), ((0.5, 0.4, 0.3), (0.2, 0.25, 0.3))
    kept, room = many.clone(), torch.full(many.shape, 9.0)
    found = Finish(photometric(name), mean, std, seed=1).apply(many, epoch=2, out=room)
    colored = photometric(name).apply(many, seed=1, epoch=2)
    assert torch.equal(found, normalize(colored, mean, std))
    assert found is room
    assert torch.equal(many, kept)
    floats = many / 255
    assert torch.equal(photometric(name).apply(floats, seed=1, epoch=2), colored)
    assert torch.equal(floats, kept / 255)


@pytest.mark.parametrize("name", ["paper", "simclr", "scenes"])
def test_groups_of_a_plan_count_their_views_on(name):
    step, same = photometric(name), views(200)[:, :1]
    pair = step.apply(same.repeat(1, 2, 1, 1, 1), seed=1)
    first, second, repeated = (step.apply(same, seed=1, first_view=v) for v in (0, 1, 0))
    assert torch.equal(torch.cat([first, second], dim=1), pair)
    assert torch.equal(first, repeated)
    alike = (first == second).flatten(1).all(1).double().mean()
    assert alike < 0.6, "both views took the same draws"


def test_the_paper_and_simclr_differ_by_two_steps_with_an_arm_for_each():
    paper, simclr = photometric("paper"), photometric("simclr")
    assert photometric("paper-jitter") == replace(simclr, blur=paper.blur)
    assert photometric("flip") == replace(paper, blur=0.0) == Photometric(flip=0.5)
    # One draw for one thing: with the blur taken out of it, a view is the other arm's.
    jittered = replace(photometric("paper-jitter"), blur=0.0).apply(views(), seed=4)
    assert torch.equal(jittered, simclr.apply(views(), seed=4))
    assert not torch.equal(jittered, photometric("paper-jitter").apply(views(), seed=4))


def test_nothing_changes_without_a_step():
    assert torch.equal(photometric("none").apply(views()), views().float() / 255)


def test_flips_mirror_half_of_the_views():
    many = views().repeat(200, 1, 1, 1, 1)
    flipped = Photometric(flip=0.5).apply(many) == many.float().flip(-1) / 255
    share = flipped.flatten(2).all(2).double().mean()
    assert 0.45 < share < 0.55


@pytest.mark.parametrize(
    ("part", "theirs"),
    [
        ("brightness", functional.adjust_brightness),
        ("contrast", functional.adjust_contrast),
        ("saturation", functional.adjust_saturation),
    ],
)
def test_jitter_is_a_blend_as_torchvision_does_it(part, theirs):
    images = views(3).float() / 255
    ours = Photometric(jitter=1, **{part: 0.9}).apply(images)
    for before, after in zip(images.flatten(0, 1), ours.flatten(0, 1), strict=True):
        errors = [
            (theirs(before, factor) - after).abs().max().item()
            for factor in np.linspace(0.1, 1.9, 1801)
        ]
        assert min(errors) < 2e-3


def test_hue_turns_the_wheel_as_torchvision_does():
    images = views(2).float() / 255
    ours = Photometric(jitter=1, hue=0.5).apply(images)
    for before, after in zip(images.flatten(0, 1), ours.flatten(0, 1), strict=True):
        errors = [
            (functional.adjust_hue(before, turn) - after).abs().mean().item()
            for turn in np.linspace(-0.5, 0.5, 1001)
        ]
        assert min(errors) < 5e-3


@pytest.mark.parametrize("levels", [None, 255, 4, 1])
def test_hue_and_jitter_are_kornias_bit_for_bit(levels):
    noise = torch.rand(20, 3, 16, 17, generator=torch.Generator().manual_seed(5))
    images = noise if levels is None else (noise * levels).round() / levels
    images[0], images[1, 1], images[2, 2] = 0.3, images[1, 0], images[2, 1]
    # A hue just below 0: added to a whole turn, it is one.
    images[3] = torch.tensor([0.5, 0.2, 0.2 + 2e-8])[:, None, None]
    for angle in (*torch.linspace(-torch.pi, torch.pi, 9), torch.tensor(1e-7)):
        turned, angles = images.clone(), angle.expand(len(images))
        turn_hue(turned, angles[:, None, None, None])
        assert torch.equal(turned, kornia.enhance.adjust_hue(images, angles))
    step = photometric("simclr")
    (found,) = replace(step, flip=0, gray=0, jitter=1).apply(images[None], seed=3)
    states = keys.state(3, 0, np.array([[0]]), np.arange(len(images))).ravel()
    expected = images
    for name, change in KORNIAS.items():
        strength, uniform = getattr(step, name), keys.uniforms(states, Draw[name.upper()])
        low, high = (-strength, strength) if name == "hue" else (1 - strength, 1 + strength)
        factor = torch.from_numpy((low + (high - low) * uniform).astype(np.float32))
        expected = change(expected, 2 * torch.pi * factor if name == "hue" else factor)
    assert torch.equal(found, expected)


KORNIAS = {
    "brightness": kornia.enhance.adjust_brightness_accumulative,
    "contrast": kornia.enhance.adjust_contrast_with_mean_subtraction,
    "saturation": kornia.enhance.adjust_saturation_with_gray_subtraction,
    "hue": kornia.enhance.adjust_hue,
}


def test_blur_is_a_gaussian_of_three_pixels():
    images = views(2).float() / 255
    ours = Photometric(blur=1, blur_sigma=(0.7, 0.7)).apply(images)
    torch.testing.assert_close(ours, functional.gaussian_blur(images, [3, 3], [0.7, 0.7]))
    wrong = functional.gaussian_blur(images, [3, 3], [0.9, 0.9])
    assert (ours - wrong).abs().max() > 0.01


def test_color_steps_need_color():
    with pytest.raises(ValueError, match="views of 3 channels, got 1"):
        photometric("simclr").apply(views(channels=1))
    assert photometric("paper").apply(views(channels=1)).shape == (6, 2, 1, 12, 12)


def test_bad_steps_are_refused():
    with pytest.raises(ValueError, match="`flip` must satisfy"):
        Photometric(flip=1.5)
    with pytest.raises(ValueError, match="did you mean 'simclr'"):
        photometric("simclrr")


def test_normalized_pixels_have_the_mean_taken_off():
    images = torch.full((2, 3, 4, 4), 0.5)
    changed = normalize(images, (0.5, 0.25, 0.0), (1.0, 0.5, 0.25))
    assert changed[0, :, 0, 0].tolist() == [0.0, 0.5, 2.0]

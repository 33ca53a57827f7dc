"""Hard views: the pair with the highest loss, chosen without a trace, keyed and resumable."""

import math
from dataclasses import replace

import pytest
import torch

import tamecrop as tc
from learning.test_every_method import TEXTS, TINY, scenes, stopping_after  # noqa: F401
from tamecrop.learning import methods
from tamecrop.learning.backbones import backbone
from tamecrop.learning.hard_views import hardest
from tamecrop.learning.pretrain import pretrain
from tamecrop.learning.watching import Interrupted

FOUR = "2of4x rc:scale=0.5"
EVERY = pytest.mark.parametrize("name", TEXTS)


def made(name):
    torch.manual_seed(0)
    found = methods.method(TEXTS[name][0], backbone("resnet10w16"), passes="per_view").train()
    return found.double(), torch.randn(6, 4, 3, 12, 12, dtype=torch.float64)


@EVERY
def test_the_pair_of_the_highest_loss_is_kept_and_nothing_else_changes(name):
    method, views = made(name)
    before = {key: each.clone() for key, each in method.state_dict().items()}
    (kept,) = hardest(method, tc.plan(FOUR), [views])
    after = method.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    losses = method.pair_losses(views)
    torch.testing.assert_close(losses, losses.mT)
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    for image in range(6):
        i, j = max(pairs, key=lambda pair: losses[image][pair].item())
        assert torch.equal(kept[image], views[image, [i, j]])
    assert kept.shape == (6, 2, 3, 12, 12)


def test_simclrs_pair_losses_are_nt_xent_of_the_batch():
    method, views = made("simclr")
    losses = method.pair_losses(views)
    for i, j in ((0, 1), (1, 3)):
        pair = views[:, [i, j]]
        torch.testing.assert_close(losses[:, i, j].mean(), method([pair]))
        z = torch.nn.functional.normalize(method.encode(method.project, [pair]), dim=2)
        others = [z[n, v] for n in range(6) for v in (0, 1) if (n, v) != (2, 0)]
        sims = torch.stack([z[2, 0] @ other for other in others]) / 0.2
        one = math.log(sims.exp().sum().item()) - (z[2, 0] @ z[2, 1]).item() / 0.2
        sims = torch.stack(
            [z[2, 1] @ z[n, v] for n in range(6) for v in (0, 1) if (n, v) != (2, 1)]
        )
        two = math.log((sims / 0.2).exp().sum().item()) - (z[2, 0] @ z[2, 1]).item() / 0.2
        assert losses[2, i, j].item() == pytest.approx((one + two) / 2, rel=1e-5)


@pytest.mark.parametrize("name", ["byol", "simsiam"])
def test_pair_losses_are_the_methods_own(name):
    method, views = made(name)
    pair = views[:, [0, 2]]
    own = method([pair]).item()
    assert method.pair_losses(views)[:, 0, 2].mean().item() == pytest.approx(own, rel=1e-5)


def test_groups_that_keep_all_views_pass_through():
    method, views = made("dino")
    plan = tc.plan("2of4x rc:scale=0.5 + 3x rc:scale=0.2")
    other = torch.randn(6, 3, 3, 12, 12, dtype=torch.float64)
    kept = hardest(method, plan, [views, other])
    assert kept[0].shape[1] == 2
    assert kept[1] is other


@pytest.mark.parametrize("name", ["simclr", "byol", "moco", "dino"])
def test_a_run_on_hard_views_resumes_bit_for_bit(scenes, tmp_path, name):  # noqa: F811
    config = replace(TINY, method=TEXTS[name][0])
    expected = pretrain(scenes, FOUR, config, tmp_path / "whole")
    for stop in (3, 7):
        with pytest.raises(Interrupted):
            pretrain(scenes, FOUR, config, tmp_path / "parts", hooks=stopping_after(stop))
    parts = pretrain(scenes, FOUR, config, tmp_path / "parts")
    assert parts.losses.tolist() == expected.losses.tolist()
    easy = pretrain(scenes, "rc:scale=0.5", config, tmp_path / "easy")
    if name == "simclr":
        assert expected.losses[0] > easy.losses[0]

"""On a GPU, where there is one: the bits of the host, its colors, its training."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import tamecrop as tc
from tamecrop.data.loader import Loading, ViewLoader
from tamecrop.data.sources import load
from tamecrop.geometry.plans import plan
from tamecrop.learning.config import Pretraining
from tamecrop.learning.pretrain import pretrain
from tamecrop.views.photometric import photometric

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
IMAGES = torch.randint(0, 256, (64, 3, 32, 32), generator=torch.Generator().manual_seed(0))
IMAGES = IMAGES.to(torch.uint8)


@pytest.mark.parametrize("law", ["rc:scale=0.4", "gcc:scale=0.8,alpha=2", "gcc:border=recenter"])
def test_exact_cuts_are_the_same_bits(law):
    policy = tc.policy(law)
    boxes = policy.draw((32, 32), index=np.arange(64))
    views = tc.cut(IMAGES.cuda(), boxes, fill=7, content=policy.content)
    assert torch.equal(views.cpu(), tc.cut(IMAGES, boxes, fill=7, content=policy.content))


@pytest.mark.parametrize("content", ["in_place", "centered"])
def test_resized_cuts_are_within_one_level(content):
    boxes = tc.policy("gcc:extent=random,scale=0.2..1").draw((32, 32), index=np.arange(64))
    here, there = (
        tc.cut(images, boxes, size=32, content=content).cpu().int()
        for images in (IMAGES, IMAGES.cuda())
    )
    assert (here - there).abs().max() <= 1


@pytest.mark.parametrize("name", ["paper", "simclr"])
def test_colors_are_the_same(name):
    boxes = tc.policy("rc:scale=0.4").draw((32, 32), index=np.arange(64))
    views = tc.cut(IMAGES, boxes)
    here, there = (photometric(name).apply(v, seed=3).cpu() for v in (views, views.cuda()))
    torch.testing.assert_close(here, there, atol=2e-3, rtol=0)


def test_a_resident_set_lives_on_the_device_and_gives_the_hosts_batches():
    data = load("scenes:count=150").train
    loading = Loading(batch_size=32)
    views = plan("gcc:scale=0.4")
    pairs = zip(
        ViewLoader(data, views, loading, "cuda").batches(1),
        ViewLoader(data, views, loading, "cpu").batches(1),
        strict=True,
    )
    for there, here in pairs:
        assert there.views[0].is_cuda
        assert torch.equal(there.views[0].cpu(), here.views[0])


def test_the_compiled_step_trains_as_the_eager_one(tmp_path):
    data = load("scenes:count=150")
    config = Pretraining(
        backbone="resnet10w16", optimizer="sgd", learning_rate=3e-3, epochs=2, warmup_epochs=0,
        batch_size=32, precision="32-true", photometric="scenes", last="keep",
    )  # fmt: skip
    eager = pretrain(data, tc.policy("rc:scale=0.6"), config, tmp_path / "eager")
    compiled = replace(config, execution="compiled")
    run = pretrain(data, tc.policy("rc:scale=0.6"), compiled, tmp_path / "compiled")
    torch.testing.assert_close(run.losses, eager.losses, atol=0.05, rtol=0)
    assert run.compile_seconds > 0

"""Activations that are made anew: the same bits, in less memory."""

import copy
import platform
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from learning.test_every_method import TINY, TWO, same, scenes, stopping_after  # noqa: F401
from tamecrop.learning import Pretraining, backbones, methods
from tamecrop.learning.backbones import backbone, recomputed
from tamecrop.learning.pretrain import pretrain
from tamecrop.learning.watching import Interrupted

BLOCKS = {"resnet7w16": 2, "resnet7w32": 2, "resnet10w16": 4, "resnet18": 8, "resnet50": 16}


def step(name, *, again, part=None, text="simclr:dimension=8"):
    """Loss, gradients, batch norm's statistics and saved bytes of one step."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        method = methods.method(text, backbone(name)).train()
        views = torch.randn(6, 2, 3, 16, 16)
    method.images_per_part = part
    saved = []

    def keep(tensor):
        saved.append(tensor.untyped_storage().nbytes())
        return tensor

    def passed():
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            loss = method([views])
        loss.backward()
        return loss.detach()

    if again:
        with recomputed(method.backbone):
            loss = passed()
    else:
        loss = passed()
    gradients = [each.grad for each in method.parameters() if each.grad is not None]
    return [loss, *gradients, *method.backbone.buffers()], sum(saved)


@pytest.mark.parametrize("part", [None, 2])
@pytest.mark.parametrize("name", ["resnet7w16", "resnet10w16", "resnet18"])
def test_gradients_and_statistics_are_the_same_bits(name, part):
    whole, again = (step(name, again=again, part=part) for again in (False, True))
    assert all(map(torch.equal, whole[0], again[0]))
    if part is None:
        assert again[1] < 0.7 * whole[1]


def test_a_method_with_a_second_network_gets_the_same_bits():
    text = "byol:hidden=8,dimension=6"
    whole, again = (step("resnet7w16", again=again, text=text)[0] for again in (False, True))
    assert all(map(torch.equal, whole, again))


def test_statistics_that_count_a_batch_twice_are_seen(monkeypatch):
    whole = step("resnet10w16", again=False)[0]
    monkeypatch.setattr(backbones, "without_traces", lambda _: backbones.nullcontext())
    assert not all(map(torch.equal, step("resnet10w16", again=True)[0], whole))


def test_blocks_are_those_of_residual_networks_and_transformers():
    for name, count in BLOCKS.items():
        assert len(backbones.blocks(backbone(name))) == count
    pytest.importorskip("timm")
    assert len(backbones.blocks(backbone("timm:vit_tiny_patch16_224"))) == 12


def test_the_network_is_afterwards_what_it_was():
    network = backbone("resnet7w16")
    before = copy.deepcopy(network)
    with recomputed(network):
        assert any("forward" in vars(each) for each in network.modules())
    assert not any("forward" in vars(each) for each in network.modules())
    images = torch.randn(2, 3, 16, 16)
    assert torch.equal(network(images), before(images))
    with (
        pytest.raises(ValueError, match="without blocks in a sequence"),
        recomputed(nn.Linear(2, 2)),
    ):
        pass


def test_a_run_ends_with_the_same_bits_and_may_change_on_the_way(scenes, tmp_path):  # noqa: F811
    whole = pretrain(scenes, TWO, TINY, tmp_path / "keep")
    config = replace(TINY, activations="recompute")
    with pytest.raises(Interrupted):
        pretrain(scenes, TWO, config, tmp_path / "parts", hooks=stopping_after(5))
    assert same(pretrain(scenes, TWO, TINY, tmp_path / "parts"), whole)


GROWTH = """
import sys
from pathlib import Path
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from tamecrop.learning.processes import free_at_once

def resident():
    (line,) = (x for x in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in x)
    return int(line.split()[1]) / 1024

torch.set_num_threads(1)
network = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.AdaptiveAvgPool2d(1))
network.to(memory_format=torch.channels_last)
asked = sys.argv[1] == "ask" and free_at_once()
kept, sizes = [], []
for _ in range(16):
    views = torch.randn(16, 3, 96, 96).contiguous(memory_format=torch.channels_last)
    kept.append(checkpoint(network, views, use_reentrant=False))
    sizes.append(resident())
print(asked, sizes[-1] - sizes[5] - 10 * views.nbytes / 2**20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="about the C library of GNU")
def test_parts_leave_nothing_behind():
    """Of each part 9 MiB of activations stayed in the heap."""
    left = {}
    for word in ("ask", "not"):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", GROWTH, word],
            capture_output=True,
            text=True,
            check=True,
        )
        asked, more = done.stdout.split()
        assert asked == str(word == "ask")
        left[word] = float(more)
    assert left["ask"] < 9 < left["not"]


def test_what_cannot_be_recomputed_is_refused():
    with pytest.raises(ValueError, match="`activations` must satisfy keep with execution compiled"):
        Pretraining(activations="recompute", execution="compiled")
    with pytest.raises(ValueError, match="did you mean 'recompute'"):
        Pretraining(activations="recomput")

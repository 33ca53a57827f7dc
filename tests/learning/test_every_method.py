"""What must hold of every method: parity with Lightly, state, refusals, collapse that is seen.

`references.lightly_steps` has the training step of Lightly's example of each method, which is taken
on the same weights.
"""

import copy
import json
from dataclasses import replace

import pytest
import torch
from torch.optim import SGD

from references.lightly_steps import SCHEDULE, STEPS
from tamecrop.data.sources import load
from tamecrop.geometry.plans import plan
from tamecrop.learning import methods
from tamecrop.learning.backbones import backbone
from tamecrop.learning.checkpoint import CheckpointError
from tamecrop.learning.config import Pretraining
from tamecrop.learning.methods.base import require_complete, spread
from tamecrop.learning.pretrain import pretrain
from tamecrop.learning.run_folder import open_run
from tamecrop.learning.watching import Hooks, Interrupted, StopFlag

TWO, MULTI = "rc:scale=0.6", "2x rc:scale=0.6 + 2x rrc:scale=0.1..0.4 @8"
TEXTS = {
    "simclr": ("simclr:dimension=16", TWO),
    "byol": ("byol:hidden=32,dimension=16,momentum=0.9", TWO),
    "moco": ("moco:hidden=32,dimension=16,queue=40,momentum=0.9", TWO),
    "vicreg": ("vicreg:hidden=32,dimension=16", TWO),
    "barlow_twins": ("barlow_twins:hidden=32,dimension=16", TWO),
    "simsiam": ("simsiam:hidden=16,dimension=32", TWO),
    "dino": ("dino:hidden=32,bottleneck=16,prototypes=24,momentum=0.9", MULTI),
    "swav": ("swav:hidden=32,dimension=16,prototypes=24", MULTI),
    "moco_v3": ("moco_v3:hidden=32,dimension=16,momentum=0.9", TWO),
    "emp_ssl": ("emp_ssl:hidden=32,dimension=16", "5x rc:scale=0.3"),
}
EVERY = pytest.mark.parametrize("name", TEXTS)
TINY = Pretraining(
    backbone="resnet10w16",
    optimizer="sgd",
    learning_rate=0.02,
    epochs=3,
    warmup_epochs=0,
    batch_size=16,
    photometric="scenes",
    precision="32-true",
    save_every=1,
)


@EVERY
def test_the_loss_is_computed_in_full_precision_under_autocast(name, monkeypatch):
    """On the same bfloat16 projections, the loss in autocast is that without, bit for bit."""
    encode = methods.Method.encode

    def narrow(self, network, views):
        with torch.autocast("cpu", enabled=False):
            return encode(self, network, views).bfloat16()

    monkeypatch.setattr(methods.Method, "encode", narrow)
    losses = []
    for enabled in (True, False):
        found, groups = method_and_views(name)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            losses.append(found.float().loss([group.float() for group in groups]))
    assert losses[0].dtype == torch.float32
    assert losses[0].item() == losses[1].item()


@pytest.fixture(scope="module")
def scenes():
    return load("scenes:count=80,side=16")


def method_and_views(name, passes="per_view"):
    text, views = TEXTS[name]
    torch.manual_seed(0)
    found = methods.method(text, backbone("resnet10w16"), passes=passes).train().double()
    groups = [
        torch.randn(8, group.views, 3, *(group.size or (12, 12)), dtype=torch.float64)
        for group in plan(views).groups
    ]
    return found, groups


def stepped(method, loss, after):
    """The loss, and every tensor after one step of SGD."""
    solver = SGD([p for p in method.parameters() if p.requires_grad], lr=0.05)
    loss.backward()
    solver.step()
    with torch.no_grad():
        after()
    tensors = {name: each for name, each in method.state_dict().items() if "_loss" not in name}
    return loss.detach(), {name: each.clone() for name, each in tensors.items()}


@EVERY
def test_one_step_is_that_of_lightlys_own_classes(name):
    ours, views = method_and_views(name)
    theirs = fresh_copy(name, ours)
    loss, weights = stepped(ours, ours(views), lambda: ours.after_step(1 / SCHEDULE))
    expected, others = stepped(theirs, *STEPS[name](theirs)(views))
    torch.testing.assert_close(loss.double(), expected.double(), atol=1e-5, rtol=1e-5)
    for each in weights:
        torch.testing.assert_close(weights[each], others[each], atol=1e-6, rtol=1e-5, msg=each)
    wrong = [group.roll(1, dims=0) if not g else group for g, group in enumerate(views)]
    wrong[0][:, 1] = views[0][:, 1]
    other = fresh_copy(name, ours)(wrong).detach().double()
    assert not torch.allclose(other, expected.double(), atol=1e-3), (
        "a loss that does not know which views belong together must be seen"
    )


def fresh_copy(name, method):
    """The method of the same seed, before any step."""
    again, _ = method_and_views(name)
    assert again.state().keys() == method.state().keys()
    return again


@EVERY
def test_a_checkpoint_holds_all_of_a_method(name):
    found, _ = method_and_views(name)
    require_complete(found)
    assert all(tensor.isfinite().all() for tensor in found.state().values())


@EVERY
def test_what_a_method_cannot_use_is_refused_by_name(name):
    text, views = TEXTS[name]
    methods.require_usable(text, plan(views), batch_size=16)
    with pytest.raises(ValueError, match=rf"^{name} needs .*(two views|a queue)"):
        methods.require_usable(text, plan("1x rc"), batch_size=16)
    with pytest.raises(ValueError, match="unknown key of a method"):
        methods.require_usable(f"{name}:colour=1", plan(views), batch_size=16)
    assert methods.canonical(f"{name}:") == name


@pytest.mark.parametrize("name", ["byol", "moco", "dino", "moco_v3"])
@pytest.mark.parametrize("momentum", ["1", "-0.1", "fast"])
def test_a_momentum_outside_its_range_is_refused(name, momentum):
    with pytest.raises(ValueError, match=r"`momentum` must satisfy 0 <= momentum < 1, got"):
        methods.require_usable(f"{name}:momentum={momentum}", plan("rc"), batch_size=16)


def test_a_queue_shorter_than_a_batch_is_refused():
    with pytest.raises(ValueError, match="moco needs a queue of at least a batch, 64, got 63"):
        methods.require_usable("moco:queue=63", plan("rc"), batch_size=64)
    methods.require_usable("moco:queue=64", plan("rc"), batch_size=64)


def stopping_after(steps):
    flag = StopFlag()

    def watch(progress):
        flag.raised = progress.step >= steps

    return Hooks(stepped=watch, stop=flag)


def same(one, two):
    tensors = zip(
        one.backbone.state_dict().values(), two.backbone.state_dict().values(), strict=True
    )
    return torch.equal(one.losses, two.losses) and all(torch.equal(a, b) for a, b in tensors)


@EVERY
def test_a_stopped_run_ends_with_the_bits_of_one_that_went_through(scenes, tmp_path, name):
    text, views = TEXTS[name]
    config = replace(TINY, method=text)
    whole = pretrain(scenes, views, config, tmp_path / "whole")
    assert whole.losses.isfinite().all()
    assert len(whole.losses) == 12
    assert (whole.feature_stds > 0.01).all()
    for stop in (5, 8):
        with pytest.raises(Interrupted):
            pretrain(scenes, views, config, tmp_path / "parts", hooks=stopping_after(stop))
    assert same(pretrain(scenes, views, config, tmp_path / "parts"), whole)
    rows = (tmp_path / "parts" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(row)["feature_std"] for row in rows] == whole.feature_stds.tolist()


def test_a_vision_transformer_of_timm_trains_and_is_loaded_again(scenes, tmp_path):
    pytest.importorskip("timm")
    config = replace(
        TINY, method=TEXTS["dino"][0], backbone="timm:vit_tiny_patch16_224", epochs=1, size=16,
        optimizer="adam", learning_rate=1e-4,
    )  # fmt: skip
    views = "2x rrc:scale=0.4..1 + 2x rrc:scale=0.1..0.4 @10"
    run = pretrain(scenes, views, config, tmp_path)
    again = open_run(tmp_path).backbone
    images = torch.randn(2, 3, 16, 16)
    torch.testing.assert_close(again(images), run.backbone(images))


@EVERY
def test_a_loss_that_is_not_finite_stops_before_a_weight_changes(scenes, tmp_path, name):
    text, views = TEXTS[name]
    poisoned = replace(scenes, std=(0.0, 0.0, 0.0))
    with pytest.raises(ValueError, match=r"must be finite: stopped before step 0"):
        pretrain(poisoned, views, replace(TINY, method=text), tmp_path)


def test_a_checkpoint_of_another_method_is_refused(scenes, tmp_path):
    config = replace(TINY, method=TEXTS["byol"][0])
    with pytest.raises(Interrupted):
        pretrain(scenes, TWO, config, tmp_path, hooks=stopping_after(5))
    other = replace(config, method=TEXTS["simsiam"][0])
    with pytest.raises(ValueError, match=r"holds another run: `method` is byol:.* and simsiam:"):
        pretrain(scenes, TWO, other, tmp_path)
    (tmp_path / "run.json").unlink()
    with pytest.raises((ValueError, CheckpointError), match="`method` is byol"):
        pretrain(scenes, TWO, other, tmp_path)


def test_the_spread_of_features_shows_a_collapse():
    torch.manual_seed(0)
    assert spread(torch.randn(2000, 64)).item() == pytest.approx(1, abs=0.02)
    assert spread(torch.randn(1, 64).expand(50, 64)).item() < 1e-3
    line = torch.randn(500, 1) * torch.randn(1, 64)
    assert 0.5 < spread(line).item() < 1.01


@EVERY
def test_a_joint_pass_trains_too_and_a_copy_never_gets_a_gradient(name):
    found, views = method_and_views(name, passes="joint")
    loss = found(views)
    loss.backward()
    without = {each for each, p in found.named_parameters() if p.grad is None}
    assert without == {each for each, p in found.named_parameters() if not p.requires_grad}
    assert copy.deepcopy(loss.detach()).ndim == 0

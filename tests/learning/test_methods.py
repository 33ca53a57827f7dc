"""Methods against slow references, what they refuse, and what a checkpoint holds of them."""

import copy
import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from tamecrop.geometry import text
from tamecrop.geometry.plans import plan
from tamecrop.learning import backbones, checkpoint, methods, training_state
from tamecrop.learning.backbones import NAMES, backbone
from tamecrop.learning.checkpoint import Checkpoint, CheckpointError
from tamecrop.learning.methods.base import require_complete
from tamecrop.learning.methods.simclr import SimCLR
from tamecrop.learning.training_state import learning_rate_at, optimizer


def nt_xent(first, second, temperature):
    """Chen et al. 2020, equation 1, anchor by anchor."""
    views = [v / v.norm() for v in [*first.double(), *second.double()]]
    n = len(first)
    total = 0.0
    for i, anchor in enumerate(views):
        similar = [math.exp(float(anchor @ other) / temperature) for other in views]
        total -= math.log(similar[(i + n) % (2 * n)] / (sum(similar) - similar[i]))
    return total / (2 * n)


@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_simclr_is_nt_xent(temperature):
    torch.manual_seed(0)
    network = backbone("resnet10w16")
    model = methods.method(f"simclr:temperature={temperature},projector=linear", network)
    views = torch.randn(6, 2, 3, 12, 12)
    model.eval()
    first, second = model.encode(model.project, [views]).detach().unbind(1)
    assert model([views]).item() == pytest.approx(nt_xent(first, second, temperature), rel=1e-5)
    wrong = nt_xent(first, second.roll(1, dims=0), temperature)
    assert model([views]).item() != pytest.approx(wrong, rel=1e-4)
    groups = list(views.split(1, dim=1))
    torch.testing.assert_close(model(groups), model([views]))


@pytest.mark.parametrize(
    ("groups", "pairs"),
    [((2, 2), [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3)]), ((1, 2), [(0, 1), (0, 2)])],
)
def test_each_view_of_simclrs_first_group_meets_every_other(groups, pairs):
    torch.manual_seed(0)
    model = methods.method("simclr:projector=linear", backbone("resnet10w16")).eval()
    views = [torch.randn(5, count, 3, 12, 12) for count in groups]
    views[1] = views[1][..., :8, :8]
    z = model.encode(model.project, views).detach().unbind(1)
    expected = sum(nt_xent(z[i], z[j], 0.2) for i, j in pairs) / len(pairs)
    assert model(views).item() == pytest.approx(expected, rel=1e-5)


def test_batch_norm_sees_all_views_in_a_joint_pass_and_one_in_a_pass_each():
    torch.manual_seed(0)
    network = backbone("resnet10w16")
    views = torch.cat([torch.randn(8, 1, 3, 12, 12), 5 + torch.randn(8, 1, 3, 12, 12)], dim=1)
    each, joint = (
        methods.method("simclr:projector=linear", network, passes=way)
        for way in ("per_view", "joint")
    )
    alone = each.encode(each.project, [views[:, :1]])
    assert torch.allclose(each.encode(each.project, [views])[:, :1], alone, atol=1e-5)
    joint.projector.load_state_dict(each.projector.state_dict())
    assert not torch.allclose(
        each.encode(each.project, [views]), joint.encode(joint.project, [views]), atol=1e-2
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("simcrl", "unknown method 'simcrl': did you mean 'simclr'"),
        ("base", "unknown method 'base'"),
        ("simclr:temprature=1", "unknown key of a method 'temprature': did you mean 'temperature'"),
        ("simclr:temperature=0", "`temperature` must satisfy .* got 0"),
        ("simclr:dimension=1.5", "`dimension` must satisfy .* got 1.5"),
        ("simclr:projector=line", "unknown projector 'line': did you mean 'linear'"),
        ("simclr:projector", "a method is written name:key=value"),
        ("simclr:dimension=8,dimension=9", "`dimension` must be given once"),
    ],
)
def test_a_method_text_is_refused_by_name(text, said):
    with pytest.raises(ValueError, match=said):
        methods.require_usable(text, plan("rc"), batch_size=8)


def test_a_plan_that_a_method_cannot_use_is_refused_by_name():
    for good in ("rc", "2x rrc @32", "1x rrc @32 + 1x gcc @32"):
        for method in ("simclr", "byol"):
            methods.require_usable(method, plan(good), batch_size=8)
    methods.require_usable("simclr", plan("2x rrc @32 + 4x rrc @16"), batch_size=8)
    with pytest.raises(ValueError, match=r"byol needs two views of an image, got 3 from 3x rc"):
        methods.require_usable("byol", plan("3x rc"), batch_size=8)
    with pytest.raises(ValueError, match=r"simclr needs at least two views of an image, got 1"):
        methods.require_usable("simclr", plan("1x rc"), batch_size=8)


def test_texts_of_one_method_have_one_canonical_form():
    same = ("simclr", "simclr:", " simclr:temperature=1/5", "simclr:dimension=128")
    assert {methods.canonical(text) for text in same} == {"simclr"}
    text = "simclr:projector=linear,temperature=0.1"
    assert methods.canonical("simclr:temperature=0.10,projector=linear") == text


class Extra(SimCLR):
    """A method with a head and a count that SimCLR has not."""

    def __init__(self, network):
        super().__init__(network)
        self.head = torch.nn.Linear(2, 2)
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def after_step(self, progress):
        self.count += 1


class Forgetful(Extra):
    def state(self):
        return {name: each for name, each in super().state().items() if "head" not in name}


class Plain(Extra):
    def __init__(self, network):
        super().__init__(network)
        self.head.memory = torch.zeros(3)


def test_a_checkpoint_holds_what_a_new_method_adds_or_it_is_refused(tmp_path):
    network = backbone("resnet10w16")
    torch.manual_seed(0)
    method, other = Extra(network), Extra(copy.deepcopy(network))
    require_complete(method)
    method.after_step(0.5)
    solver = optimizer("sgd", method, learning_rate=0.1, weight_decay=0)
    saved = Checkpoint(
        training_state.weights(method),
        training_state.training_tensors(method, solver),
        {"step": 1, "seconds": 1.0, "run": {}},
    )
    found = checkpoint.load(checkpoint.save(tmp_path, saved, step=1))
    training_state.restore(other, solver, found)
    assert other.count == 1
    assert torch.equal(other.head.weight, method.head.weight)
    less = dict(found.train)
    del less["method.count"]
    with pytest.raises(CheckpointError, match="count is missing"):
        training_state.restore(other, solver, replace(found, train=less))
    with pytest.raises(CheckpointError, match="count does not belong to the run"):
        training_state.restore(SimCLR(network), solver, found)
    with pytest.raises(ValueError, match=r"Forgetful.state must list `head.weight`"):
        require_complete(Forgetful(network))
    with pytest.raises(ValueError, match=r"Plain must register `head.memory` as a buffer"):
        require_complete(Plain(network))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("stem", "side"), [("small", 20), ("imagenet", 64)])
def test_backbones_give_features_of_the_stated_width(name, stem, side):
    network = backbone(name, stem=stem).eval()
    assert network(torch.randn(2, 3, side, side)).shape == (2, network.features)


@pytest.mark.parametrize(
    ("name", "stem", "side"),
    [
        ("vit_tiny_patch16_224", "small", 32),
        ("vit_tiny_patch16_224", "small", 18),
        ("vit_tiny_patch16_224", "imagenet", 96),
        ("resnet18", "small", 20),
        ("mobilenetv3_small_050", "imagenet", 64),
    ],
)
def test_timm_gives_features_of_the_stated_width(name, stem, side):
    pytest.importorskip("timm")
    network = backbone(f"timm:{name}", stem=stem).eval()
    assert network(torch.randn(2, 3, side, side)).shape == (2, network.features)
    if name.startswith("vit"):
        assert network.body.patch_embed.patch_size == ((4, 4) if stem == "small" else (16, 16))


def test_a_model_that_timm_lacks_is_refused_by_name(monkeypatch):
    pytest.importorskip("timm")
    with pytest.raises(ValueError, match="timm has no model 'resnet19': did you mean 'resnet1"):
        backbone("timm:resnet19")
    with pytest.raises(ValueError, match="`stem` must be imagenet for timm:mobilenetv3_small_050"):
        backbone("timm:mobilenetv3_small_050")
    monkeypatch.setattr(backbones, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"needs timm: pip install 'tamecrop\[timm\]'"):
        backbone("timm:resnet18")


def test_unknown_parts_name_the_nearest_known_one():
    with pytest.raises(ValueError, match="did you mean 'resnet18'"):
        backbone("resnet19")
    with pytest.raises(ValueError, match="did you mean 'adam'"):
        optimizer("adm", backbone("resnet10w16"), learning_rate=1, weight_decay=0)


@pytest.mark.parametrize("name", ["adam", "sgd", "lars"])
def test_optimizers_lower_a_loss_and_leave_vectors_undecayed(name):
    torch.manual_seed(0)
    layer = torch.nn.Linear(4, 1)
    solver = optimizer(name, layer, learning_rate=0.05, weight_decay=0.1)
    assert [group["weight_decay"] for group in solver.param_groups] == [0.1, 0.0]
    x, y = torch.randn(64, 4), torch.randn(64, 1)
    losses = []
    for _ in range(20):
        loss = (layer(x) - y).square().mean()
        solver.zero_grad()
        loss.backward()
        solver.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_lars_adapts_the_rate_of_matrices_with_and_without_decay(decay):
    """You et al. 2017, algorithm 1: the trust ratio does not ask for a decay."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(4, 3)
    solver = optimizer("lars", layer, learning_rate=0.5, weight_decay=decay)
    weight, bias = (each.detach().clone() for each in (layer.weight, layer.bias))
    speed = {"weight": torch.zeros(3, 4), "bias": torch.zeros(3)}
    x = torch.randn(16, 4)
    for _ in range(3):
        solver.zero_grad()
        layer(x).square().mean().backward()
        slopes = layer.weight.grad.clone(), layer.bias.grad.clone()
        solver.step()
        trust = 0.001 * weight.norm() / (slopes[0].norm() + decay * weight.norm())
        speed["weight"] = 0.9 * speed["weight"] + trust * (slopes[0] + decay * weight)
        speed["bias"] = 0.9 * speed["bias"] + slopes[1]
        weight, bias = weight - 0.5 * speed["weight"], bias - 0.5 * speed["bias"]
        torch.testing.assert_close(layer.weight.detach(), weight, rtol=1e-5, atol=1e-7)
        torch.testing.assert_close(layer.bias.detach(), bias, rtol=1e-5, atol=1e-7)


def test_the_rate_rises_then_falls_along_half_a_cosine():
    rates = [learning_rate_at(step, top=2.0, steps=110, warmup=10) for step in range(110)]
    assert rates[:10] == pytest.approx([0.2 * (k + 1) for k in range(10)])
    assert rates[60] == pytest.approx(1.0)
    assert rates[10] == 2.0
    assert rates[-1] == pytest.approx(1 + math.cos(math.pi * 0.99), abs=1e-9)


def test_the_docs_list_every_method_with_its_defaults():
    table = (Path(__file__).parents[2] / "docs" / "methods.md").read_text()
    for name in methods.names():
        kind, settings = methods._read(name)
        assert f"| `{name}`" in table, kind
        assert f"| `{text.join('', asdict(settings))[1:]}` |" in table, settings

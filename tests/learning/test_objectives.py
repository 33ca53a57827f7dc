"""NT-Xent against a slow reference, and what the parts promise."""

import math

import pytest
import torch

from tamecrop.learning.backbones import NAMES, backbone
from tamecrop.learning.objectives import SimCLR
from tamecrop.learning.optimizers import learning_rate_at, optimizer


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
def test_the_loss_is_nt_xent(temperature):
    torch.manual_seed(0)
    model = SimCLR(backbone("resnet10w16"), temperature=temperature, projector="linear")
    views = torch.randn(6, 2, 3, 12, 12)
    model.eval()
    first, second = model.projections(views).detach().unbind(1)
    assert model(views).item() == pytest.approx(nt_xent(first, second, temperature), rel=1e-5)
    wrong = nt_xent(first, second.roll(1, dims=0), temperature)
    assert model(views).item() != pytest.approx(wrong, rel=1e-4)


def test_batch_norm_sees_all_views_in_a_joint_pass_and_one_in_a_pass_each():
    torch.manual_seed(0)
    network = backbone("resnet10w16")
    views = torch.cat([torch.randn(8, 1, 3, 12, 12), 5 + torch.randn(8, 1, 3, 12, 12)], dim=1)
    each, joint = (SimCLR(network, passes=way, projector="linear") for way in ("per_view", "joint"))
    assert torch.allclose(
        each.projections(views)[:, 0],
        SimCLR.projections(each, views[:, :1])[:, 0],
        atol=1e-5,
    )
    joint.projector.load_state_dict(each.projector.state_dict())
    assert not torch.allclose(each.projections(views), joint.projections(views), atol=1e-2)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("stem", "side"), [("small", 20), ("imagenet", 64)])
def test_backbones_give_features_of_the_stated_width(name, stem, side):
    network = backbone(name, stem=stem).eval()
    assert network(torch.randn(2, 3, side, side)).shape == (2, network.features)


def test_unknown_parts_name_the_nearest_known_one():
    with pytest.raises(ValueError, match="did you mean 'resnet18'"):
        backbone("resnet19")
    with pytest.raises(ValueError, match="unknown projector 'line'"):
        SimCLR(backbone("resnet10w16"), projector="line")
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


def test_the_rate_rises_then_falls_along_half_a_cosine():
    rates = [learning_rate_at(step, top=2.0, steps=110, warmup=10) for step in range(110)]
    assert rates[:10] == pytest.approx([0.2 * (k + 1) for k in range(10)])
    assert rates[60] == pytest.approx(1.0)
    assert rates[10] == 2.0
    assert rates[-1] == pytest.approx(1 + math.cos(math.pi * 0.99), abs=1e-9)

"""A batch that passes in parts has the loss and the gradients of the whole batch."""

import numpy as np
import pytest
import torch
from torch import nn

from tamecrop.data.images import Dataset, ImageSet
from tamecrop.geometry import plan
from tamecrop.learning import Hooks, Pretraining, methods
from tamecrop.learning.methods import base
from tamecrop.learning.pretrain import pretrain
from tamecrop.learning.processes import images_per_part

TEXTS = [
    "simclr:projector=linear,dimension=8",
    "simclr:dimension=8",
    "moco:hidden=8,dimension=6,queue=40",
    "moco_v3:hidden=8,dimension=6",
    "byol:hidden=8,dimension=6",
    "simsiam:hidden=6,dimension=8",
    "barlow_twins:hidden=8,dimension=6",
    "vicreg:hidden=8,dimension=6",
    "swav:hidden=8,dimension=6,prototypes=5",
    "dino:hidden=8,bottleneck=6,prototypes=5",
    "emp_ssl:hidden=8,dimension=6",
]
EVERY = pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.partition(",")[0])


class Small(nn.Module):
    """A network whose images do not see each other."""

    features = 12

    def __init__(self, *more: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 12, 3, stride=2), nn.GELU(), *more, nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layers(images)


def without_batch_norm(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.modules.batchnorm._BatchNorm):
            setattr(module, name, nn.LayerNorm(child.num_features))
        else:
            without_batch_norm(child)


def built(text: str, *more: nn.Module, passes="joint", norms=False) -> base.Method:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        method = methods.method(text, Small(*more), passes=passes)
    if not norms:
        without_batch_norm(method)
    return method.double().train()


def views_of(text: str, batch: int = 7) -> list[torch.Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        small = (
            [torch.randn(batch, 3, 3, 7, 7).double()] if "swav" in text or "dino" in text else []
        )
        return [torch.randn(batch, 2, 3, 9, 9).double(), *small]


def stepped(method: base.Method, views, part: int | None = None, *, seed: int = 0):
    """Loss and gradients of a step, and what is watched."""
    method.images_per_part = part
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        loss = method.loss(views)
        loss.backward()
    found = {name: p.grad for name, p in method.named_parameters() if p.grad is not None}
    return loss.detach(), found, method.feature_std


@pytest.mark.parametrize("passes", ["joint", "per_view"])
@EVERY
def test_parts_give_the_loss_and_the_gradients_of_the_batch(text, passes):
    views = views_of(text)
    whole, parts = (stepped(built(text, passes=passes), views, part) for part in (None, 3))
    torch.testing.assert_close(parts[0], whole[0], rtol=1e-11, atol=0)
    torch.testing.assert_close(parts[2], whole[2], rtol=1e-11, atol=0)
    assert parts[1].keys() == whole[1].keys()
    assert any(gradient.abs().max() > 1e-6 for gradient in whole[1].values())
    for name, gradient in whole[1].items():
        torch.testing.assert_close(parts[1][name], gradient, rtol=1e-9, atol=1e-12)


def test_the_mean_of_the_losses_of_parts_would_be_another_gradient():
    text = TEXTS[0]
    views, whole, wrong = views_of(text)[0], built(text), built(text)
    _, right, _ = stepped(whole, [views])
    for part in views.tensor_split(2):
        (wrong.loss([part]) / 2).backward()
    for name, gradient in right.items():
        found = dict(wrong.named_parameters())[name].grad
        assert (found - gradient).abs().max() > 0.05 * gradient.abs().max()


def test_random_layers_draw_the_same_in_both_passes(monkeypatch):
    text, views = TEXTS[0], views_of(TEXTS[0])
    twice = stepped(built(text, nn.Dropout(0.5)), views, 3)
    monkeypatch.setattr(base, "checkpoint", lambda work, *given, **_: work(*given))
    once = stepped(built(text, nn.Dropout(0.5)), views, 3)
    other = stepped(built(text, nn.Dropout(0.5)), views, 3, seed=1)
    for name, gradient in once[1].items():
        assert torch.equal(twice[1][name], gradient)
    assert not torch.equal(other[0], once[0])


@pytest.mark.parametrize("text", [TEXTS[1], "byol:hidden=8,dimension=6"])
def test_batch_norm_sees_each_part_once(monkeypatch, text):
    views = views_of(text)
    method = built(text, nn.BatchNorm2d(12), norms=True)
    stepped(method, views, 3)
    monkeypatch.setattr(base, "checkpoint", lambda work, *given, **_: work(*given))
    once = built(text, nn.BatchNorm2d(12), norms=True)
    stepped(once, views, 3)
    expected = dict(once.named_buffers())
    for name, buffer in method.named_buffers():
        assert name in method.transient or torch.equal(buffer, expected[name]), name
    assert method.backbone.layers[2].num_batches_tracked.item() == 3
    for name, parameter in method.named_parameters():
        expected = dict(once.named_parameters())[name].grad
        assert (parameter.grad is None) == (expected is None)
        if expected is not None:
            assert torch.equal(parameter.grad, expected), name


def test_statistics_would_move_twice_if_the_second_pass_were_seen(monkeypatch):
    monkeypatch.setattr(base, "without_traces", lambda _: base.nullcontext())
    method = built(TEXTS[1], nn.BatchNorm2d(12), norms=True)
    stepped(method, views_of(TEXTS[1]), 3)
    assert method.backbone.layers[2].num_batches_tracked.item() == 6


def test_a_part_passes_again_only_when_its_gradient_is_due():
    """So no more than one part's activations are in memory."""
    events: list[str] = []

    class Watched(nn.Module):
        def forward(self, images):
            made = images * 1
            events.append("pass")
            made.register_hook(lambda _: events.append("gradient"))
            return made

    method = built(TEXTS[0], Watched())
    method.images_per_part = 3
    loss = method.loss(views_of(TEXTS[0]))
    assert events == ["pass"] * 3
    events.clear()
    loss.backward()
    assert events == ["pass", "gradient"] * 3


def data(count: int = 40) -> Dataset:
    pixels = torch.from_numpy(
        np.random.default_rng(0).integers(0, 256, (count, 3, 16, 16), np.uint8)
    )
    images = ImageSet.in_memory(pixels, labels=torch.arange(count) % 2)
    return Dataset(
        name="noise",
        train=images,
        validation=images,
        test=images,
        classes=("a", "b"),
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
    )


CONFIG = {
    "backbone": "resnet7w16",
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "epochs": 2,
    "warmup_epochs": 0,
    "batch_size": 16,
    "last": "keep",
    "precision": "32-true",
}


def test_a_run_in_parts_trains_says_so_and_resumes(tmp_path):
    said: list[str] = []
    config = Pretraining(**CONFIG, accumulate=4)
    views = plan("gcc:scale=0.5,sigma=0.2")
    run = pretrain(data(), views, config, tmp_path / "run", hooks=Hooks(warned=said.append))
    assert said == [
        "batch norm sees parts of 4 images, not the batch: with `accumulate` its statistics differ"
    ]
    assert len(run.losses) == 6
    assert torch.isfinite(run.losses).all()
    again = pretrain(data(), views, config, tmp_path / "run")
    assert torch.equal(again.losses, run.losses)
    with pytest.raises(ValueError, match="accumulate"):
        pretrain(data(), views, Pretraining(**CONFIG), tmp_path / "run")


def test_one_part_is_the_run_that_it_always_was(tmp_path):
    plain = pretrain(data(), plan("rc:scale=0.5"), Pretraining(**CONFIG), tmp_path / "plain")
    one = Pretraining(**CONFIG, accumulate=1)
    assert "accumulate" not in one.decisive()
    again = pretrain(data(), plan("rc:scale=0.5"), one, tmp_path / "one")
    assert torch.equal(again.losses, plain.losses)


def test_parts_of_one_image_are_refused():
    with pytest.raises(ValueError, match=r"`accumulate` must satisfy .* 8, got 9"):
        Pretraining(**CONFIG, accumulate=9)
    with pytest.raises(ValueError, match="got 8 parts of the 8 images of each of 2 processes"):
        images_per_part(Pretraining(**CONFIG, accumulate=8), 2)

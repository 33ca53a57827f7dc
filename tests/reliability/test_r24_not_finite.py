"""R24: a number that is not finite stops the run before a weight changes, and is never saved."""

import math

import pytest
import torch

import tamecrop as tc
from reliability import children
from tamecrop.data.sources import load
from tamecrop.learning import checkpoint, trainer
from tamecrop.learning.pretrain import pretrain
from tamecrop.learning.trainer import Trainer

BAD = [math.nan, math.inf, -math.inf]
PLACES = ["input", "loss", "gradient", "weight"]
PER_EPOCH, AT = 5, 6


def poisoned(monkeypatch, place, value):
    """Put a value into one place just before a step; the weights as that step found them."""
    before = {}
    gradient = Trainer._gradient

    def bad(self, prepared):
        if self.step < AT:
            return gradient(self, prepared)
        if place == "input":
            prepared.views[0, 0, 0, 0, 0] = value
        if place == "weight":
            next(self.bare.parameters()).data[0, 0, 0, 0] = value
        before.update({name: w.clone() for name, w in self.bare.named_parameters()})
        before["model"] = self.bare
        loss = gradient(self, prepared)
        if place == "gradient":
            next(self.bare.parameters()).grad[0, 0, 0, 0] = value
        return torch.full_like(loss, value) if place == "loss" else loss

    monkeypatch.setattr(Trainer, "_gradient", bad)
    return before


def holds(folder):
    """Whether every number of every checkpoint is finite."""
    found = [checkpoint.load(path) for path in checkpoint.saved(folder)]
    tensors = [each for one in found for part in (one.weights, one.train) for each in part.values()]
    return all(bool(torch.isfinite(each.double()).all()) for each in tensors)


@pytest.mark.parametrize("place", PLACES)
def test_r24_stops_before_the_step_and_keeps_the_last_good_one(
    pictures, tmp_path, monkeypatch, place, record
):
    for value in BAD:
        out = tmp_path / str(value)
        with monkeypatch.context() as patch:
            before = poisoned(patch, place, value)
            with pytest.raises(
                ValueError, match=rf"must be finite: stopped before step {AT} .*samples .*\.png"
            ):
                pretrain(load(pictures), tc.policy(children.LAW), children.TINY, out)
        now = dict(before.pop("model").named_parameters())
        assert all(
            torch.equal(now[name].nan_to_num(), w.nan_to_num()) for name, w in before.items()
        )
        assert [path.name for path in checkpoint.saved(out / "checkpoints")] == [
            f"step-{PER_EPOCH:09d}"
        ]
        assert holds(out / "checkpoints")
    record(f"R24.{place}", "NaN, inf, -inf: 3/3 stopped, step and samples named", n=3)


def test_r24_a_loop_that_does_not_look_is_seen(pictures, tmp_path, monkeypatch):
    poisoned(monkeypatch, "weight", math.nan)
    monkeypatch.setattr(
        trainer, "math", type("Blind", (), {"isfinite": staticmethod(lambda _: True)})
    )
    pretrain(load(pictures), tc.policy(children.LAW), children.TINY, tmp_path)
    assert not holds(tmp_path / "checkpoints")

"""R24: a number that is not finite stops the run before a weight changes, and is never saved."""

import math
from itertools import count
from types import SimpleNamespace

import pytest
import torch

import tamecrop as tc
from reliability import children
from tamecrop.data.sources import load
from tamecrop.learning import checkpoint, trainer
from tamecrop.learning.methods.simclr import SimCLR
from tamecrop.learning.pretrain import pretrain

BAD = [math.nan, math.inf, -math.inf]
PLACES = ["input", "loss", "gradient", "weight"]
PER_EPOCH, AT = 5, 6


def poisoned(monkeypatch, place, value):
    """Put a value into one place just before a step; the weights as that step found them."""
    before = {}
    loss, steps = SimCLR.loss, count()

    def bad(self, views):
        if next(steps) < AT:
            return loss(self, views)
        first = next(self.parameters())
        if place == "input":
            views[0][0, 0, 0, 0, 0] = value
        if place == "weight":
            first.data[0, 0, 0, 0] = value
        if place == "gradient":
            first.register_hook(lambda grad: grad.index_fill(0, torch.tensor([0]), value))
        before.update({name: w.clone() for name, w in self.named_parameters()})
        before["method"] = self
        found = loss(self, views)
        return found + value if place == "loss" else found

    monkeypatch.setattr(SimCLR, "loss", bad)
    return before


def holds(folder):
    """Whether every number of every checkpoint is finite."""
    found = [checkpoint.load(path) for path in checkpoint.list_saved(folder)]
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
        now = dict(before.pop("method").named_parameters())
        assert all(
            torch.equal(now[name].nan_to_num(), w.nan_to_num()) for name, w in before.items()
        )
        assert [path.name for path in checkpoint.list_saved(out / "checkpoints")] == [
            f"step-{PER_EPOCH:09d}"
        ]
        assert holds(out / "checkpoints")
    record(f"R24.{place}", "NaN, inf, -inf: 3/3 stopped, step and samples named", n=3)


def test_r24_a_loop_that_does_not_look_is_seen(pictures, tmp_path, monkeypatch):
    poisoned(monkeypatch, "weight", math.nan)
    monkeypatch.setattr(trainer, "math", SimpleNamespace(isfinite=lambda _: True, nan=math.nan))
    pretrain(load(pictures), tc.policy(children.LAW), children.TINY, tmp_path)
    assert not holds(tmp_path / "checkpoints")

"""What is watched while a run trains: collapse, nearest neighbors; and what it costs: nothing."""

import json
from dataclasses import replace

import pytest
import torch

from learning.test_every_method import TINY, TWO, scenes, stopping_after  # noqa: F401
from tamecrop.learning.backbones import backbone
from tamecrop.learning.curves import Curves, Run
from tamecrop.learning.evaluate import validation_knn
from tamecrop.learning.pretrain import pretrain
from tamecrop.learning.watching import Hooks, Interrupted


def test_nearest_neighbors_every_few_epochs_change_no_bit(scenes, tmp_path):  # noqa: F811
    plain = pretrain(scenes, TWO, TINY, tmp_path / "plain")
    config = replace(TINY, knn_every=2)
    with pytest.raises(Interrupted):
        pretrain(scenes, TWO, config, tmp_path / "judged", hooks=stopping_after(9))
    judged = pretrain(scenes, TWO, config, tmp_path / "judged")
    assert torch.equal(judged.losses, plain.losses)
    rows = (tmp_path / "judged" / "metrics.jsonl").read_text().splitlines()
    known = [(n, json.loads(row)["knn"]) for n, row in enumerate(rows, 1)]
    assert [n for n, value in known if value is not None] == [2 * plain.steps_per_epoch]
    assert "knn" not in plain.curves
    assert plain.watched()["online_knn"] == ()
    assert [value is None for value in judged.watched()["online_knn"]] == [True, False, True]
    last = replace(TINY, epochs=2, knn_every=2)
    ended = pretrain(scenes, TWO, last, tmp_path / "ended")
    assert ended.curves["knn"][-1].item() == validation_knn(ended.backbone, scenes)


def test_data_without_labels_cannot_be_judged_on_the_way(scenes, tmp_path):  # noqa: F811
    unlabeled = replace(scenes, classes=None)
    with pytest.raises(ValueError, match="has no labels"):
        pretrain(unlabeled, TWO, replace(TINY, knn_every=1), tmp_path)


def run_of(stds):
    curves = Curves()
    for std in stds:
        curves.add(loss=1.0, feature_std=std)
    return Run(backbone("resnet7w16"), curves.tensors(), 2, 1.0, 0.0, 1.0)


def test_features_that_are_alike_in_the_last_epoch_are_a_collapse():
    assert run_of([0.4, 0.4, 0.02, 0.01]).is_collapsed
    assert not run_of([0.01, 0.02, 0.4, 0.3]).is_collapsed
    assert not run_of([float("nan")] * 4).is_collapsed
    assert run_of([0.4, 0.4, 0.25, 0.75]).watched()["feature_std"] == 0.5


def test_a_collapsed_run_says_so(scenes, tmp_path, monkeypatch):  # noqa: F811
    said = []
    hooks = Hooks(warned=said.append)
    pretrain(scenes, TWO, TINY, tmp_path / "well", hooks=hooks)
    assert said == []
    monkeypatch.setattr("tamecrop.learning.curves.COLLAPSED", 2.0)
    pretrain(scenes, TWO, TINY, tmp_path / "alike", hooks=hooks)
    assert said == [f"simclr on {TWO} has collapsed: its features are all alike"]

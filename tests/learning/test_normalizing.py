"""What colors are normalized by: one answer for a run, and for all that judges it."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

import tamecrop as tc
from tamecrop.audit.reference.train import load_run
from tamecrop.cli import main
from tamecrop.data import load
from tamecrop.learning.config import Pretraining
from tamecrop.learning.pretrain import pretrain
from tamecrop.learning.run_folder import open_run, read_run
from tamecrop.learning.watching import StopFlag
from tamecrop.studies import grid
from tamecrop.studies.arms import Study, Wanted, arm, check
from tamecrop.studies.listening import Listener
from tamecrop.studies.recipes import Recipe

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
OWN = Pretraining(backbone="resnet7w16", epochs=1, warmup_epochs=0, batch_size=16)
CONSTANT = replace(OWN, normalize="cifar10")
POLICY = tc.policy("rc:scale=0.6")
DATA = "scenes:count=80,side=16"


def test_a_run_by_constants_is_that_of_images_with_these_statistics(tmp_path):
    data = load(DATA)
    own, constant, stated = (
        pretrain(each, POLICY, config, tmp_path / name).losses
        for each, config, name in (
            (data, OWN, "own"),
            (data, CONSTANT, "constant"),
            (replace(data, mean=MEAN, std=STD), OWN, "stated"),
        )
    )
    assert torch.equal(torch.as_tensor(constant), torch.as_tensor(stated))
    assert not torch.equal(torch.as_tensor(constant), torch.as_tensor(own))
    assert "normalize" not in read_run(tmp_path / "own"), "as runs from before it was a setting"
    assert open_run(tmp_path / "own").normalize == "train"
    assert open_run(tmp_path / "constant").normalize == "cifar10"
    with pytest.raises(ValueError, match="holds another run: `normalize` is cifar10 there"):
        pretrain(data, POLICY, OWN, tmp_path / "constant")


def test_all_that_judges_a_run_normalizes_as_it_did(tmp_path, monkeypatch):
    data, used = load(DATA), []
    pretrain(data, POLICY, CONSTANT, tmp_path / "run")
    reference = load_run(tmp_path / "run", data.train)
    assert (reference.mean, reference.std) == (MEAN, STD)

    module, judge = sys.modules["tamecrop.learning.evaluate"], grid.evaluate

    def watch(backbone, dataset, **how):
        used.append((dataset.mean, dataset.std))
        return judge(backbone, dataset, **how)

    monkeypatch.setattr(grid, "evaluate", watch)
    monkeypatch.setattr(module, "evaluate", watch)
    assert main(["evaluate", str(tmp_path / "run"), "--data", DATA]) == 0
    for config in (CONSTANT, OWN):
        recipe = Recipe(policies=(str(POLICY),), training=config)
        wanted = [Wanted(arm(POLICY, recipe, "test"), 0)]
        study = Study(data, tmp_path / config.normalize, lambda _, wanted=wanted: wanted)
        grid.finish(wanted[0], study, Listener(), StopFlag())
    assert used == [(MEAN, STD), (MEAN, STD), (data.mean, data.std)]


def test_constants_of_rgb_are_refused_for_other_images_before_any_work(tmp_path, capsys):
    images = np.random.default_rng(0).integers(0, 255, (60, 16, 16, 2), dtype=np.uint8)
    np.savez(tmp_path / "two.npz", train_images=images, train_labels=np.arange(60) % 2)
    said = (
        "`normalize` must be train where images are not RGB, got cifar10 for images of 2 channels"
    )
    data = load(tmp_path / "two.npz")
    recipe = Recipe(policies=(str(POLICY),), training=CONSTANT)
    study = Study(data, tmp_path / "study", lambda _: [Wanted(arm(POLICY, recipe, "test"), 0)])
    for work in (
        lambda: pretrain(data, POLICY, CONSTANT, tmp_path / "out"),
        lambda: check(study),
    ):
        with pytest.raises(ValueError, match=said):
            work()
    words = ["pretrain", str(tmp_path / "two.npz"), "--policy", str(POLICY)]
    words += ["--training.normalize=cifar10", "--out", str(tmp_path / "out")]
    assert main(words) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="unknown normalize 'cifar'"):
        data.normalized("cifar")

"""Evaluation against scikit-learn, and what may not leak."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from tamecrop.data.sources import load
from tamecrop.learning import features, paper_probe, probe
from tamecrop.learning.backbones import backbone
from tamecrop.learning.evaluate import evaluate, knn_accuracy
from tamecrop.learning.features import Features, Judged
from tamecrop.learning.paper_probe import paper


def blobs(n, *, seed, noise=2.0):
    """Three overlapping classes in eight dimensions."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 3
    centers = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    values = centers[labels] + noise * torch.randn(n, 8, generator=generator)
    return Features(values, labels)


def test_nearest_neighbors_vote_as_in_scikit_learn():
    train, test = blobs(600, seed=1), blobs(300, seed=2)
    theirs = KNeighborsClassifier(
        n_neighbors=20, metric="cosine", weights=lambda far: np.exp((1 - far) / 0.1)
    ).fit(train.values, train.labels)
    expected = theirs.score(test.values, test.labels)
    found = knn_accuracy(train, test, classes=3, k=20)
    assert found == pytest.approx(expected, abs=1e-9)
    shuffled = Features(train.values, train.labels.flip(0))
    assert knn_accuracy(shuffled, test, classes=3, k=20) < expected - 0.1


def test_fewer_images_than_neighbors_all_vote():
    assert 0 <= knn_accuracy(blobs(50, seed=1), blobs(30, seed=2), classes=3) <= 1


def test_the_frozen_probe_is_scikit_learns_logistic_regression():
    train, test = blobs(600, seed=1), blobs(300, seed=2)
    penalties = (1e-1, 1e-3)
    standard = (train.values - train.values.mean(0)) / train.values.std(0, correction=0)
    for fit, penalty in zip(probe.path(train, 3, penalties=penalties), penalties, strict=True):
        theirs = LogisticRegression(C=1 / (600 * penalty), tol=1e-8, max_iter=1000)
        theirs.fit(standard, train.labels)
        weight = fit.weight[:-1] - fit.weight[:-1].mean(1, keepdim=True)
        np.testing.assert_allclose(weight.T, theirs.coef_, atol=5e-3)
        agree = theirs.predict((test.values - fit.mean) / fit.deviation)
        assert (torch.from_numpy(agree) == fit.scores(test.values).argmax(1)).double().mean() > 0.99


def test_the_penalty_is_chosen_on_validation_alone():
    train, validation, test = (blobs(n, seed=n) for n in (90, 60, 300))
    found = probe.frozen(Judged(train, validation, test, 3))
    mislabeled = Features(test.values, (test.labels + 1) % 3)
    others = probe.frozen(Judged(train, validation, mislabeled, 3))
    assert (found.penalty, found.validation_accuracy) == (
        others.penalty,
        others.validation_accuracy,
    )
    assert others.accuracy < found.accuracy - 0.2


def test_features_come_from_whole_images_in_eval_mode():
    scenes = load("scenes:count=60")
    torch.manual_seed(0)
    network = backbone("resnet10w16").train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    values = features.extract(network, scenes.test, mean=scenes.mean, std=scenes.std)
    assert values.shape == (len(scenes.test), network.features)
    assert all(torch.equal(before[name], now) for name, now in network.state_dict().items())
    single = features.extract(network, scenes.test.subset([3]), mean=scenes.mean, std=scenes.std)
    torch.testing.assert_close(single[0], values[3], atol=1e-4, rtol=1e-3)


def test_the_papers_probe_adapts_batch_norm_on_a_copy_and_ends():
    scenes = load("scenes:count=100")
    torch.manual_seed(0)
    network = backbone("resnet10w16")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    first, second = (paper(network, scenes, seed=3, epochs=2) for _ in range(2))
    assert first == second
    assert first.epochs == 2
    assert all(torch.equal(before[name], now) for name, now in network.state_dict().items())


class Worded:
    """Stands for the layer and its images: losses as they are told."""

    def __init__(self, losses):
        self.losses, self.parts = losses, [None, None]

    def epoch(self, epoch, stop):
        return self.losses[epoch]

    def accuracy(self, part):
        return 0.5


@pytest.mark.parametrize(
    ("losses", "epochs"),
    [
        ([1.0, *[1.002] * 15], 16),
        ([1.0, *[1.0009] * 40], 41),  # within a thousandth of the least one: never counted
        ([1 - 0.0001 * n for n in range(40)], 40),  # each a new least one, however little
        ([1.0, *[1.1] * 14, 0.9999, *[1.1] * 14, 1.0, *[1.1] * 3], 32),
    ],
)
def test_the_papers_probe_stops_as_its_authors_did(losses, epochs, monkeypatch):
    scenes = load("scenes:count=60,side=16")
    monkeypatch.setattr(paper_probe, "_Probing", lambda *_: Worded(losses))
    found = paper(backbone("resnet10w16"), scenes, epochs=len(losses))
    assert found.epochs == epochs


def test_the_papers_probe_validates_in_eval_mode_and_learns_in_train_mode(monkeypatch):
    scenes, seen = load("scenes:count=100,side=16"), []
    scores = paper_probe._Probing._scores

    def watch(self, images):
        seen.append((torch.is_grad_enabled(), self.backbone.training))
        return scores(self, images)

    monkeypatch.setattr(paper_probe._Probing, "_scores", watch)
    paper(backbone("resnet10w16"), scenes, epochs=2)
    assert {grad for grad, _ in seen} == {True, False}
    assert all(learns == grad for grad, learns in seen), "batch norm adapts where the layer learns"


def test_a_part_of_the_papers_probe_can_be_left_out(monkeypatch):
    scenes, seen = load("scenes:count=100,side=16"), []
    scores = paper_probe._Probing._scores

    def watch(self, images):
        seen.append((self.backbone.training, images.clone()))
        return scores(self, images)

    monkeypatch.setattr(paper_probe._Probing, "_scores", watch)
    network, whole = backbone("resnet10w16"), scenes.train.joined(scenes.validation).pixels
    shown = {image.numpy().tobytes() for image in whole}
    for part in ("augmentation", "adaptation"):
        seen.clear()
        paper(network, scenes, epochs=1, without=[part])
        learning, held = seen[0], seen[1]
        assert learning[0] == (part != "adaptation")
        views = [*learning[1], *held[1]]
        whole_ones = all(view.numpy().tobytes() in shown for view in views)
        assert whole_ones == (part == "augmentation")
    with pytest.raises(ValueError, match="unknown part of the probe"):
        paper(network, scenes, without=["padding"])


def test_neighbors_know_validation_where_nothing_is_chosen_on_it(monkeypatch):
    scenes, banks = load("scenes:count=60,side=16"), []

    def watch(train, test, **_):
        banks.append(train)
        return 0.5

    module = sys.modules["tamecrop.learning.evaluate"]
    monkeypatch.setattr(module, "knn_accuracy", watch)
    monkeypatch.setattr(module, "paper", lambda *_, **__: paper_probe.PaperProbed(0.5, 0.5, 1))
    network = backbone("resnet10w16")
    for name in ("frozen", "paper"):
        evaluate(network, scenes, probe=name)
    frozen, both = banks
    train, validation = len(scenes.train), len(scenes.validation)
    assert (len(frozen.values), len(both.values)) == (train, train + validation)
    assert torch.equal(both.labels, torch.cat([scenes.train.labels, scenes.validation.labels]))
    assert torch.equal(both.values[:train], frozen.values)


def test_data_without_labels_cannot_be_judged():
    scenes = replace(load("scenes:count=60"), classes=None)
    with pytest.raises(ValueError, match="has no labels: its features cannot be judged"):
        evaluate(backbone("resnet10w16"), scenes)


def test_few_labels_are_as_many_of_every_class_and_keyed():
    train, validation, test = (blobs(n, seed=n) for n in (600, 150, 300))
    found = Judged(train, validation, test, 3)
    fits = {share: probe.few_labels(found, share) for share in (0.01, 0.1, 1)}
    assert fits[1] == probe.frozen(found)
    assert fits[0.01].accuracy < fits[1].accuracy
    assert probe.few_labels(found, 0.01) == fits[0.01]
    assert probe.few_labels(found, 0.01, seed=1) != fits[0.01]
    # However small the share, one of every class is known.
    alone = Features(train.values[:3], train.labels[:3])
    one_each = probe.few_labels(Judged(alone, validation, test, 3), 0.01)
    assert one_each == probe.frozen(Judged(alone, validation, test, 3))
    with pytest.raises(ValueError, match=r"`labels` must satisfy .* got 0"):
        probe.few_labels(found, 0)
    with pytest.raises(ValueError, match=r"`labels` must satisfy .* got 2"):
        evaluate(backbone("resnet10w16"), load("scenes:count=60"), few=(2.0,))


def test_a_split_without_labels_has_no_features_to_judge():
    scenes = load("scenes:count=60")
    with pytest.raises(ValueError, match="has no labels: its features cannot be judged"):
        features.of_split(backbone("resnet10w16"), scenes, replace(scenes.test, labels=None))


@pytest.mark.parametrize("probe_name", ["frozen", "paper"])
def test_a_network_trained_in_double_precision_is_judged_as_in_single(probe_name):
    scenes = load("scenes:count=60,side=16")
    single, double = (backbone("resnet10w16") for _ in range(2))
    double.load_state_dict(single.state_dict())
    found = [evaluate(each, scenes, probe=probe_name) for each in (single, double.double())]
    assert found[0].knn_accuracy == found[1].knn_accuracy
    assert abs(found[0].linear_accuracy - found[1].linear_accuracy) <= 0.1

"""What a reference says of views, with references whose classes are known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import tamecrop as tc
from tamecrop.audit.measures.suspicious import (
    find_by_features,
    find_by_objects,
    find_by_overlap,
)
from tamecrop.audit.measures.view_pairs import Shapes, pair_views
from tamecrop.audit.prepare import Settings, prepare
from tamecrop.audit.reference import train
from tamecrop.audit.reference.choose import divide, keep_all
from tamecrop.audit.reference.judge import Agreement, Evaluator
from tamecrop.audit.reference.network import Reference
from tamecrop.audit.reference.pixels import decode_pixels
from tamecrop.audit.reference.train import average_agreement, explain_unjudged
from tamecrop.audit.run import run
from tamecrop.audit.subject import find_subject
from tamecrop.data.images import ImageSet


class Brightest(nn.Module):
    """Features: 1 and the brightest pixel; a bright spot in view is class 1."""

    def forward(self, images):
        peak = images.amax(dim=(1, 2, 3))
        return torch.stack([1 - peak, peak], dim=1)


BRIGHTEST = Reference("brightest", 16, Brightest(), lambda features: features, (0,) * 3, (1,) * 3)


def spots(n=60, side=16):
    """A bright 4x4 spot in the middle of every second image."""
    images = torch.zeros(n, 3, side, side, dtype=torch.uint8)
    images[1::2, :, 6:10, 6:10] = 255
    return ImageSet.in_memory(images, labels=torch.arange(n) % 2)


def evaluator(data):
    return Evaluator(BRIGHTEST, decode_pixels(data, most_side=64), data.labels)


def test_agreement_is_the_share_of_views_that_keep_the_answer():
    data = spots()
    seen_by = evaluator(data)
    law = pair_views("gcc:scale=0.25,sigma=0.4")
    seen = seen_by.evaluate(law, most=180)
    contents = tc.boxes.clip(seen.boxes, (16, 16))
    spot = tc.boxes.area(tc.boxes.intersection(contents, [6, 6, 10, 10])) > 0
    kept = np.where((seen.image % 2 == 1)[:, None], spot, True)
    found = seen_by.compare_labels(seen)
    assert found.label_agreement == pytest.approx(kept.mean(), abs=0.02)
    assert found.pair_agreement == pytest.approx(kept.all(axis=1).mean(), abs=0.02)
    assert 0 < found.error < 0.1
    assert found.label_agreement < 0.9


def test_whole_images_agree_with_themselves_and_only_right_answers_count():
    data = spots()
    wrong = torch.where(torch.arange(60) < 30, data.labels, 1 - data.labels)
    half = Evaluator(BRIGHTEST, decode_pixels(data, most_side=64), wrong)
    found = half.compare_labels(half.evaluate(pair_views("rc:scale=1"), most=60))
    assert (found.label_agreement, found.error) == (1, 0)
    assert half.measure_accuracy().accuracy == 0.5
    never = Evaluator(BRIGHTEST, decode_pixels(data, most_side=64), 1 - data.labels)
    assert never.compare_labels(never.evaluate(pair_views("rc"), most=60)) is None


def test_similarity_is_one_for_equal_views_and_less_for_others():
    seen_by = evaluator(spots())
    same = seen_by.compare_features(seen_by.evaluate(pair_views("rc:scale=1"), most=60))
    assert same.pair_mean == pytest.approx(1)
    other = seen_by.compare_features(
        seen_by.evaluate(pair_views("gcc:scale=0.2,sigma=0.4"), most=60)
    )
    assert other.pair_p05 <= other.pair_mean < 0.99
    assert other.whole_mean < 0.99


def test_accuracy_on_small_crops_is_measured():
    known = evaluator(spots()).measure_accuracy()
    assert (known.accuracy, known.correct, known.images) == (1, 60, 60)
    assert known.crop_accuracy["rc:scale=0.1"] < known.crop_accuracy["rc:scale=0.5"] <= 1


def test_large_images_are_shrunk_and_boxes_with_them():
    data = ImageSet.in_memory(torch.zeros(2, 3, 40, 80, dtype=torch.uint8))
    data.pixels[:, :, 20:] = 255
    small = decode_pixels(data, most_side=40)
    assert [tuple(image.shape) for image in small.images] == [(3, 40, 40)] * 2
    lower = np.tile([[[0, 20, 80, 40], [0, 0, 80, 20]]], (2, 1, 1))
    (views,) = small.cut_views(lower, side=8, contents=("in_place",))
    assert views[:, 0].min() > 200
    assert views[:, 1].max() < 50


def test_suspects_are_the_pairs_that_share_least():
    data = find_subject("scenes:count=60,objects=2")
    law, shapes = pair_views("gcc:scale=0.3,sigma=0.4"), Shapes.of(data.images, data.index)
    by_box = find_by_objects(law, shapes)
    assert len({suspect.image for suspect in by_box}) == 6
    assert all(suspect.why == "both show 0 %" for suspect in by_box)
    overlaps = find_by_overlap(law, shapes)
    assert overlaps[0].why == "IoU 0.00"
    seen = evaluator(spots()).evaluate(law, most=60)
    alike = find_by_features(seen, np.arange(60) + 100)
    assert min(suspect.image for suspect in alike) >= 100
    assert alike[0].why <= alike[-1].why


def test_who_learns_is_not_asked_about_what_it_learned():
    data = find_subject("scenes:count=200")
    own = divide(data, most=15)
    assert own.places is None
    assert len(own.held_out) == 15
    carved = divide(type(data)(**{**vars(data), "held": None}), most=1000)
    assert len(carved.learn) + len(carved.held_out) == len(data.images)
    assert torch.equal(carved.held_out.pixels, data.images.pixels[carved.places])
    assert keep_all(data, most=10).learn is None
    with pytest.raises(ValueError, match="cannot learn from 54 images"):
        divide(find_subject("scenes:count=60"), most=10)


def test_a_small_network_learns_the_same_on_every_run(monkeypatch):
    monkeypatch.setattr(train, "VIEWS", 900)
    monkeypatch.setattr(train, "_LEAST_VIEWS", 900)
    data = spots(n=120)
    first, second = (train.train_small(data, 2) for _ in range(2))
    views = data.pixels
    assert torch.equal(first.run(views).features, second.run(views).features)
    assert (first.run(views).classes == data.labels).double().mean() > 0.8


def test_policies_that_no_reference_judged_are_on_the_page(monkeypatch, tmp_path):
    monkeypatch.setattr(train, "VIEWS", 900)
    monkeypatch.setattr(train, "_LEAST_VIEWS", 900)
    settings = Settings(draws=2, placements=False)
    job = prepare(find_subject(spots(n=120)), ["rc:scale=0.5", "rc:scale=0.9"], settings)
    job = replace(job, out=tmp_path, needs_reference=lambda _, each: "0.9" not in each.policy)
    audit = run(job)
    kept = {each.policy: each.preservation.pair_similarity for each in audit.named}
    assert [policy for policy, share in kept.items() if share is None] == ["rc:scale=0.9"]
    assert "1 policies cannot be named by their geometry" in " ".join(audit.notes)
    assert "not judged" in (tmp_path / "report.html").read_text()


def test_the_reference_learns_every_border_and_classifies_images_with_a_rim(monkeypatch):
    assert sum(share for _, share in train.MIXTURE) == pytest.approx(1)
    kinds = {tc.policy(text).border.kind for text, _ in train.MIXTURE}
    assert {"pad", "recenter", "clamp", "reflect"} <= kinds
    source = decode_pixels(spots(n=400), most_side=64)
    crops = train._cut_crops(source, seed=0, epoch=0)
    assert crops.shape == source.images.shape
    white = decode_pixels(
        ImageSet.in_memory(torch.full((400, 3, 16, 16), 255, dtype=torch.uint8)), most_side=64
    )
    filled = (train._cut_crops(white, seed=0, epoch=0) < 128).flatten(1).any(1)
    assert 0.3 < filled.double().mean() < 0.6
    assert torch.equal(crops, train._cut_crops(source, seed=0, epoch=0))
    assert not torch.equal(crops, train._cut_crops(source, seed=1, epoch=0))


class MostlyWhite(nn.Module):
    """Features: how dark the mean is, and how bright; fill of another color misleads it."""

    def forward(self, images):
        mean = images.mean(dim=(1, 2, 3))
        return torch.stack([0.5 - mean, mean - 0.5], dim=1)


def test_a_reference_that_cannot_judge_fill_says_so():
    data = ImageSet.in_memory(
        torch.full((40, 3, 16, 16), 200, dtype=torch.uint8), labels=torch.ones(40, dtype=torch.long)
    )

    def make(fill, **more):
        reference = Reference(
            "white", 16, MostlyWhite(), lambda x: x, (0,) * 3, (1,) * 3, fill, **more
        )
        return reference, Evaluator(
            reference, decode_pixels(data, most_side=64), data.labels
        ).measure_accuracy()

    black, accuracy = make((0.0,) * 3)
    assert accuracy.accuracy == 1
    assert accuracy.padded_accuracy == {"0.0625": 1.0, "0.125": 1.0, "0.25": 0.0}
    assert explain_unjudged(black, accuracy, 1.0) is None
    assert explain_unjudged(black, accuracy, 0.8) is None
    reason = explain_unjudged(black, accuracy, 0.5)
    assert "50 % fill" in reason
    assert "0 % of whole images with 56 % fill against 100 % without" in reason
    assert explain_unjudged(black, accuracy, 0.3) is not None
    white, accuracy = make((0.9,) * 3)
    assert accuracy.padded_accuracy["0.25"] == 1
    assert explain_unjudged(white, accuracy, 0.5) is None
    learned, accuracy = make((0.0,) * 3, trained_on_fill=True)
    assert explain_unjudged(learned, accuracy, 0.5) is None


def test_the_error_of_several_references_includes_their_training():
    alone = Agreement(0.6, 0.4, 0.01, 0.02)
    other = Agreement(0.8, 0.6, 0.01, 0.02)
    assert average_agreement([alone]) == alone
    both = average_agreement([alone, other])
    assert (both.label_agreement, both.pair_agreement) == pytest.approx((0.7, 0.5))
    assert both.error == pytest.approx((0.01**2 + 0.02 / 2) ** 0.5)
    assert average_agreement([alone, alone]).error == pytest.approx(0.01)


def test_no_more_views_are_drawn_than_the_error_needs():
    data = spots(n=400)
    seen_by = evaluator(data)
    sure = seen_by.evaluate(pair_views("rc:scale=1"), most=4000)
    assert len(sure.image) == 800
    law = pair_views("gcc:scale=0.25,sigma=0.4")
    unsure = seen_by.evaluate(law, most=4000)
    assert len(unsure.image) == 4000
    assert seen_by.compare_labels(unsure).pair_error > 0.01


def test_a_classifier_runs_on_images_that_it_knows():
    data = spots()
    half = Evaluator(
        BRIGHTEST,
        decode_pixels(data, most_side=64),
        torch.where(torch.arange(60) < 30, data.labels, 1 - data.labels),
    )
    found = half.evaluate(pair_views("rc:scale=0.5"), most=60)
    assert set(found.image.tolist()) == set(range(30))
    assert len(found.image) == 60

"""`tamecrop audit` and `tamecrop recommend` as a user types them."""

import importlib
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

import tamecrop as tc
from tamecrop.audit import Audit, wording
from tamecrop.audit.recommend import choose_candidates
from tamecrop.audit.reference import train
from tamecrop.audit.reference.network import Reference
from tamecrop.cli import main
from tamecrop.cli.commands.audit import _print_table, lay_out, left_out
from tamecrop.cli.tables import draw, fit
from tamecrop.data.sources import load
from tamecrop.learning import probe
from tamecrop.reporting.jsonfiles import read_json

LAWS = ["--policies", "rc:scale=0.4", "gcc:scale=0.4,sigma=0.3", "--draws", "20"]
GEOMETRY = {
    "pair_iou_mean", "pair_iou_zero_share", "content_share_mean", "empty_share",
    "realized_area_mean", "placements",
}  # fmt: skip
BOXES = ("object_share", "pair_share", "false_positive_share")


def audit(data, out, *more):
    return main(["audit", str(data), *LAWS, "--out", str(out), *more])


def record(out):
    return json.loads((out / "audit.json").read_text())


def photographs(root, n=3, size=(30, 20)):
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    rng = np.random.default_rng(0)
    for number in range(n):
        noise = rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(noise).save(root / "images" / f"{number}.png")
        (root / "labels" / f"{number}.txt").write_text("0 0.5 0.5 0.4 0.4\n")
    return root


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    out = tmp_path_factory.mktemp("audit")
    assert audit("scenes:count=60", out, "--sweep", "sigma=0.1:0.4:2") == 0
    return out


def test_audit_writes_numbers_figures_and_one_page(scenes):
    found = record(scenes)
    laws = [each["policy"] for each in found["policies"]]
    assert laws[:3] == ["rrc:scale=0.2..1", "rc:scale=0.4", "gcc:scale=0.4,sigma=0.3"]
    assert laws[3:] == ["gcc:scale=0.4,sigma=0.1", "gcc:scale=0.4,sigma=0.4"]
    for law in found["policies"]:
        assert set(law["geometry"]) >= GEOMETRY
        assert all(0 <= law["preservation"][name] <= 1 for name in BOXES)
    near, far = found["policies"][3:]
    assert near["geometry"]["pair_iou_mean"] > far["geometry"]["pair_iou_mean"]
    assert near["preservation"]["pair_share"] > far["preservation"]["pair_share"]
    assert any("labels was left out" in note for note in found["notes"])
    page = (scenes / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 4
    assert "http://" not in page
    assert "cover at least 50 %" in page
    assert {path.stem for path in (scenes / "figures").iterdir()} == {
        "trade_off", "coverage", "views", "suspects",
    }  # fmt: skip


def test_labels_are_judged_by_a_reference_that_says_how_good_it_is(tmp_path, monkeypatch):
    def always_zero(learn, classes, *, seed):
        body = torch.nn.AdaptiveAvgPool2d(4)
        head = lambda features: torch.eye(classes)[torch.zeros(len(features), dtype=int)]  # noqa: E731
        return Reference("always zero", 16, body, head, (0,) * 3, (1,) * 3)

    monkeypatch.setattr(train, "train_small", always_zero)
    assert audit("scenes:count=250,side=16", tmp_path) == 0
    found = record(tmp_path)
    assert 0 < found["reference"]["correct"] < found["reference"]["images"]
    assert set(found["reference"]["crop_accuracy"]) == {
        "rc:scale=0.1", "rc:scale=0.25", "rc:scale=0.5",
    }  # fmt: skip
    for law in found["policies"]:
        assert law["preservation"]["label_agreement"] == 1
        assert 0 < law["preservation"]["pair_similarity"] <= 1.0001
    assert "Label kept by both" in (tmp_path / "report.html").read_text()


def test_one_image_empty_box_files_and_boxes_outside(tmp_path, capsys):
    root = photographs(tmp_path / "one", n=1)
    assert audit(root, tmp_path / "a") == 0
    assert record(tmp_path / "a")["images"] == 1
    root = photographs(tmp_path / "odd")
    (root / "labels" / "0.txt").write_text("")
    (root / "labels" / "1.txt").unlink()
    (root / "labels" / "2.txt").write_text("0 0.9 0.5 0.6 0.4\n0 1.5 1.5 0.2 0.2\n")
    assert audit(root, tmp_path / "b") == 0
    found = record(tmp_path / "b")
    assert (found["boxed_images"], found["objects"]) == (1, 1)
    assert found["notes"] == [
        "1 object boxes reached out of their image and were clipped",
        "1 object boxes had no pixel inside their image and were left out",
    ]


def test_images_without_any_box_or_label_have_geometry(tmp_path, capsys):
    root = photographs(tmp_path / "bare")
    for text in (root / "labels").iterdir():
        text.write_text("")
    assert audit(root, tmp_path / "a", "--reference", "none") == 0
    found = record(tmp_path / "a")
    assert found["policies"][0]["preservation"]["pair_share"] is None
    assert "no image has an object box" in found["notes"][0]
    assert "only the geometry" in (tmp_path / "a" / "report.html").read_text()


def test_what_was_computed_is_written_when_a_later_step_fails(tmp_path, capsys):
    root = photographs(tmp_path / "broken", n=2)
    shutil.rmtree(root / "labels")
    for path in (root / "images").iterdir():
        path.write_bytes(path.read_bytes()[:300])
    run = root / "run"
    words = ["pretrain", "scenes:count=60", "--policy", "rc:scale=0.6", "--training.epochs=1",
             "--training.warmup_epochs=0", "--training.batch_size=16",
             "--out", str(run)]  # fmt: skip
    assert main(words) == 0
    assert audit(root / "images", tmp_path / "a", "--reference", f"run:{run}") == 1
    assert "cannot be read" in capsys.readouterr().err
    assert set(record(tmp_path / "a")["policies"][1]["geometry"]) >= GEOMETRY
    assert (tmp_path / "a" / "report.html").is_file()


BAD = [
    (["audit", "scenes", "--policies", "gccc"], "did you mean 'gcc'"),
    (["audit", "missing/folder"], "must exist"),
    (["audit", "scenes", "--sweep", "sigma=0.1"], "key=low:high:count"),
    (["audit", "scenes", "--sweep", "a=0.1:0.5:3"], "none of the policies has"),
    (["audit", "scenes", "--coverage", "0"], "0 < coverage <= 1"),
    (["audit", "scenes", "--reference", "resnet18"], "unknown reference"),
    (["audit", "scenes", "--reference", "run:missing"], "no checkpoint"),
    (["audit", "scenes:count=60", "--reference", "small"], "cannot learn from 54 images"),
    (["audit", "scenes:side=8", "--policies", "rc:scale=0.001"], "pixel"),
    (["recommend", "scenes", "--budget", "10"], "`budget` is written like"),
]


@pytest.mark.parametrize(("words", "said"), BAD, ids=[" ".join(words) for words, _ in BAD])
def test_wrong_use_is_one_line_and_exit_two(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not list(tmp_path.rglob("audit.json"))


def test_recommend_says_why(tmp_path, capsys):
    words = ["recommend", "scenes:count=60", *LAWS[:3], "--reference", "none"]
    assert main([*words, "--out", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "recommendation.json").read_text())
    assert found["policy"] in ("rrc:scale=0.2..1", *LAWS[1:3])
    assert found["reasons"]
    assert found["measure"] == "pair_share"
    said = capsys.readouterr().out
    assert found["reasons"][0] in said.replace("\n", " ")
    assert "rule: Three figures are compared" in said


@pytest.mark.parametrize("reference", ["none", "auto"])
def test_recommend_finds_before_work_that_nothing_would_tell(
    tmp_path, monkeypatch, capsys, reference
):
    """Neither boxes nor labels, and no backbone to be had."""
    np.savez(tmp_path / "bare.npz", train_images=np.zeros((60, 16, 16, 3), np.uint8))

    def away(*_):
        raise OSError("resnet50 cannot be downloaded")

    choosing = importlib.import_module("tamecrop.audit.reference.choose")
    monkeypatch.setattr(choosing, "load_network", away)
    out = tmp_path / "out"
    words = ["recommend", str(tmp_path / "bare.npz"), "--reference", reference, "--out", str(out)]
    assert main([*words]) == 2
    error = capsys.readouterr().err
    assert "no object boxes, and there is no reference: nothing tells what a view keeps" in error
    assert ("resnet50 cannot be downloaded" in error) == (reference == "auto")
    assert not list(tmp_path.rglob("audit.json"))


@pytest.mark.slow
def test_recommend_trains_within_a_budget_and_looks_at_validation_alone(tmp_path, monkeypatch):
    from tamecrop.audit import race
    from tamecrop.learning import features

    judged = []
    real = features.of_split
    monkeypatch.setattr(
        features, "of_split", lambda net, data, images, **how: judged.append((data, images))
        or real(net, data, images, **how)
    )  # fmt: skip
    whole = load("scenes:count=120")
    monkeypatch.setattr(probe, "_STEPS", 5)  # the contest is tested here, not the probe
    monkeypatch.setattr(race, "take_times", lambda cell, epochs=1: (0.0, epochs))  # by no clock
    words = ["recommend", "scenes:count=120", *LAWS[:3], "--reference", "none", "--preset", "quick",
             "--budget", "30s", "--jobs", "1", "--out", str(tmp_path)]  # fmt: skip
    assert main(words) == 0
    found = json.loads((tmp_path / "recommendation.json").read_text())
    assert found["race"]["epochs"] == 1
    assert found["race"]["seconds"] <= 30
    seeds = [len(values) for values in found["race"]["accuracy"].values()]
    assert min(seeds) >= 3
    assert found["reasons"][0].split(":")[0] in (
        "Cannot tell in this time", *(f"{verb} {found['policy'].partition(':')[0]}"
        for verb in ("Use", "Keep"))
    )  # fmt: skip
    assert judged
    assert {len(images) for _, images in judged} == {len(whole.train), len(whole.validation)}
    assert all(images is data.train or images is data.validation for data, images in judged)


STORED = sorted((Path(__file__).parents[2] / "results" / "audit").glob("*.json"))


def printed(layout, width):
    """The lines that a terminal of a width shows."""
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(draw(layout))
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_nothing_of_the_table_is_cut_or_broken_in_a_word(path):
    audit = read_json(Audit, path)
    head = ("crop policy", *wording.list_columns(audit))
    rows = [(row.policy, *row.cells) for row in wording.list_rows(audit)]
    layouts = lay_out(head, rows)
    for width in range(70, 201):
        place, (names, body) = fit(layouts, width)
        gone = left_out(layouts[0], layouts[place])
        lines = printed((names, body), width)
        assert all(len(line) <= width for line in lines)
        assert "…" not in "".join(lines)
        words = [word for row in (names, *body) for cell in row for word in cell.split()]
        assert sorted(words) == sorted("".join(lines).replace("─", "").split())
        for row, cells in zip(rows, body, strict=True):
            assert cells[0].replace("\n", "") == row[0]
            assert re.findall(r"[a-z]+=[^,]+", cells[0].replace("\n", "")) == re.findall(
                r"[a-z]+=[^,\n]+", cells[0]
            )
    assert not gone, "200 columns hold everything"
    assert max(map(len, printed(fit(layouts, 80)[1], 200))) > 60


def test_a_narrow_terminal_is_told_what_is_on_the_page(capsys, monkeypatch):
    (path,) = (path for path in STORED if path.stem == "coco128")
    monkeypatch.setenv("COLUMNS", "70")
    _print_table(read_json(Audit, path))
    out = capsys.readouterr().out
    assert out.splitlines()[-1].startswith("on the page: False positives")
    assert all(len(line) <= 70 for line in out.splitlines())


@pytest.mark.parametrize("boxed", [True, False])
def test_without_names_every_candidate_for_the_images_is_tried(tmp_path, monkeypatch, boxed):
    source, tried = "scenes:count=60", []
    if not boxed:
        source = str(tmp_path / "bare.npz")
        np.savez(source, train_images=np.zeros((60, 16, 16, 3), np.uint8))

    def watch(subject, policies, settings):
        tried.extend(map(str, policies))
        raise ValueError("enough")

    monkeypatch.setattr(importlib.import_module("tamecrop.audit.prepare"), "prepare", watch)
    assert main(["recommend", source, "--reference", "none", "--out", str(tmp_path / "a")]) == 2
    assert tried == [str(tc.policy(text)) for text in choose_candidates(boxed=boxed)]

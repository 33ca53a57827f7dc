"""`tamecrop calibrate` as a user types it."""

import json

import numpy as np
import pytest

import tamecrop as tc
from tamecrop.cli import main


def test_it_prints_the_law_that_reaches_the_target(capsys):
    assert main(["calibrate", "gcc:scale=0.4", "--match", "iou=0.45"]) == 0
    law = capsys.readouterr().out.strip()
    assert law.startswith("gcc:scale=0.4,sigma=")
    assert tc.expectations.pair_law(tc.policy(law), (32, 32)).iou == pytest.approx(0.45, abs=1e-3)


def test_json_holds_law_value_and_what_came_out(capsys):
    words = ["calibrate", "rc_pad:scale=0.4", "--match", "area=0.3", "--size", "30x45", "--json"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"policy", "padding", "area"}
    law = tc.policy(found["policy"])
    assert law.center.padding == found["padding"]
    area = tc.expectations.view_law(law, (30, 45)).content_area
    assert area == pytest.approx(found["area"]) == pytest.approx(0.3, abs=1e-3)


def test_another_parameter_can_be_free(capsys):
    assert (
        main(["calibrate", "cgcc", "--match", "area=0.25", "--free", "scale", "--size", "8"]) == 0
    )
    assert tc.policy(capsys.readouterr().out.strip()).extent.sides(8, 8, tc.policy("cgcc").rounding)


def test_coverage_on_data(capsys):
    words = ["calibrate", "gcc:scale=0.4", "--match", "coverage=0.6", "--data", "scenes:count=60"]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["coverage"] == pytest.approx(0.6, abs=1e-3)
    assert found["sigma"] > 0.05


def test_what_cannot_be_reached_is_a_failed_run_in_one_line(capsys):
    assert main(["calibrate", "cgcc:scale=0.8", "--match", "iou=0.1"]) == 1
    error = capsys.readouterr().err
    assert "no value of `sigma` in 0.001..10 reaches iou 0.1: reachable is 0.8239 to" in error
    assert error.count("\n") == 1


BAD = [
    (["gcc"], "match"),
    (["gcc", "--match", "iu=0.4"], "did you mean 'iou'"),
    (["gcc", "--match", "iou"], "TARGET=VALUE"),
    (["gcc", "--match", "iou="], "`iou` must be a number"),
    (["gcc", "--match", "iou=much"], "`iou` must be a number, got 'much'"),
    (["gcc", "--match", "iou=nan"], "0 <= iou <= 1"),
    (["gcc", "--match", "iou=1.2"], "0 <= iou <= 1"),
    (["gcc", "--match", "area=-1"], "0 <= area <= 1"),
    (["gcc", "--match", "iou=0.4,area=0.3"], "one target"),
    (["gcc", "--match", "iou=0.4", "--match", "area=0.3"], "one target"),
    (["gcc", "--match", "coverage=0.4"], "`data` must be given for coverage"),
    (["gcc", "--match", "iou=0.4", "--data", "scenes"], "`data` must be given for coverage"),
    (["gcc", "--match", "coverage=0.4", "--data", "scenes", "--size", "32"], "left out with data"),
    (["gcc:mean=given", "--match", "coverage=0.4", "--data", "scenes"], "without given boxes"),
    (["gcc", "--match", "iou=0.4", "--size", "big"], "`size` must satisfy"),
    (["gcc", "--match", "iou=0.4", "--size", "0"], "`size` must satisfy"),
    (["gcc", "--match", "iou=0.4", "--free", "sigmo"], "did you mean 'sigma'"),
    (["rc", "--match", "iou=0.4", "--free", "sigma"], "`sigma` has no meaning in rc"),
    (["gccc", "--match", "iou=0.4"], "did you mean 'gcc'"),
    (["gcc", "--match", "iou=0.4", "--frea", "sigma"], "did you mean --free"),
]


@pytest.mark.parametrize(("words", "said"), BAD, ids=[" ".join(words) for words, _ in BAD])
def test_wrong_use_is_one_line_and_exit_two(capsys, words, said):
    assert main(["calibrate", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_data_without_boxes_is_refused(tmp_path, capsys):
    images = np.zeros((40, 8, 8, 3), dtype=np.uint8)
    labels = np.arange(40) % 2
    parts = {f"{split}_images": images for split in ("train", "val", "test")}
    parts |= {f"{split}_labels": labels for split in ("train", "val", "test")}
    np.savez(tmp_path / "plain.npz", **parts)
    words = ["calibrate", "gcc", "--match", "coverage=0.5", "--data", str(tmp_path / "plain.npz")]
    assert main(words) == 2
    assert "needs data with object boxes" in capsys.readouterr().err

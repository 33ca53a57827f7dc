"""`tamecrop bench`: what it measures, and that its arithmetic is right."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tamecrop.cli import main
from tamecrop.cli.commands.bench import closing_lines
from tamecrop.geometry import PRESETS
from tamecrop.reporting.jsonfiles import read_json
from tamecrop.studies import bench as bench_module, peers
from tamecrop.studies.bench import Bench
from tamecrop.studies.peers import CommonViews, pipelines
from tamecrop.studies.turns import Rate, measure
from tamecrop.views.photometric import photometric

QUICK = ["--rounds", "2", "--seconds", "0", "--training.batch_size", "16"]


@pytest.fixture(scope="module", autouse=True)
def few_images():
    with pytest.MonkeyPatch.context() as patch:
        for name in ("FILES", "IMAGES", "DRAWN"):
            patch.setattr(bench_module, name, 6)
        yield


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    out = tmp_path_factory.mktemp("bench") / "bench.json"
    assert main(["bench", "scenes:count=67", *QUICK, "--out", str(out)]) == 0
    return read_json(Bench, out)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("photographs")
    noise = np.random.default_rng(0)
    for number in range(16):
        pixels = noise.integers(0, 256, (120, 160, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"{number}.jpg")
    return place


def names(part):
    return [rate.name for rate in part.rates]


def test_every_preset_policy_and_every_stage_is_measured(scenes):
    assert names(scenes.boxes) == [*PRESETS, "torchvision's rrc"]
    assert names(scenes.stages) == ["draw and cut", "color"]
    assert {"tamecrop", "torchvision on PIL", "Lightly"} <= {*names(scenes.colored)}
    assert "Lightly" not in names(scenes.views)
    for part in (scenes.boxes, scenes.views, scenes.colored, scenes.stages, scenes.step):
        for rate in part.rates:
            assert 0 < rate.low <= rate.per_second <= rate.high
    network, views = scenes.step.rate("network"), scenes.step.rate("views")
    assert scenes.views_share == pytest.approx((1 / views) / (1 / views + 1 / network))
    assert scenes.memory.step > 10
    assert (scenes.rounds, scenes.batch_size, scenes.plan) == (2, 16, "2x rrc:scale=0.2..1 @32")


def test_what_the_tables_do_not_say_follows_them(scenes):
    lines = "\n".join(closing_lines(scenes))
    assert f"{1000 * 16 / scenes.step.rate('network'):,.0f} ms" in lines
    assert f"{scenes.environment.hardware}, {scenes.environment.cores} cores" in lines


def test_files_are_read_and_decoded_in_both_ways(folder, tmp_path, capsys):
    words = ["bench", str(folder), *QUICK, "--training.batch_size", "8", "--training.size", "32"]
    multi = "2x rrc:scale=0.4..1 @48 + 1x rc:scale=0.2 @16"
    method = ["--training.method", "dino", "--training.backbone", "resnet7w16"]
    assert main([*words, *method, "--policy", multi, "--out", str(tmp_path / "b.json")]) == 0
    found = read_json(Bench, tmp_path / "b.json")
    assert names(found.stages) == ["read", "read and decode", "draw and cut", "color"]
    ours = [f"tamecrop --training.decode {how}" for how in ("fast", "full")]
    assert names(found.views)[:3] == [*ours, f"tamecrop {multi}"]
    said = capsys.readouterr().out
    assert all(title in said for title in ("boxes/s", "read and decode", "highest memory"))


def test_medians_and_spread_are_those_of_the_clock():
    """Turns by a clock of our own: 1, 3, 2 seconds for ten items."""
    now, taken = [0.0], []
    seconds = itertools.cycle([0.5, 1.0, 3.0, 2.0])

    def slow(number: int) -> int:
        taken.append(("slow", number))
        now[0] += next(seconds)
        return 10

    def steady(number: int) -> int:
        taken.append(("steady", number))
        now[0] += 0.25
        return 1

    found = measure({"slow": slow, "steady": steady}, rounds=3, seconds=0.9, clock=lambda: now[0])
    assert found == (Rate("slow", 5.0, 10 / 3, 10.0), Rate("steady", 4.0, 4.0, 4.0))
    order = [name for name, group in itertools.groupby(taken, lambda each: each)]
    assert [each[0] for each in order] == [
        *("slow", "steady"),  # once each to warm up
        *("slow", "steady", "steady", "slow", "slow", "steady"),  # another begins each round
    ]


def shapes(made: object) -> list[tuple[int, ...]]:
    if isinstance(made, torch.Tensor):
        images = made if made.ndim == 4 else made[None]
        return [tuple(image.shape) for image in images]
    return [shape for each in made for shape in shapes(each)]


@pytest.mark.parametrize("colors", [None, "simclr"])
def test_every_peer_makes_the_views_that_it_is_timed_for(folder, colors):
    wanted = CommonViews(3, 24, (0.2, 1.0), colors and photometric(colors))
    works, missing = pipelines(wanted)
    images = [torch.randint(0, 256, (3, 40, 50), dtype=torch.uint8) for _ in range(4)]
    assert set(works) | set(missing) >= {"torchvision on PIL", "torchvision on tensors", "Kornia"}
    for name, work in works.items():
        per_image = 2 if name == "Lightly" else 3  # its transform makes two
        for sources in (images, sorted(folder.iterdir())[:4]):
            assert shapes(work(sources)) == [(3, 24, 24)] * (4 * per_image), name


def test_a_library_that_is_not_installed_is_named(monkeypatch):
    there = peers.find_spec
    monkeypatch.setattr(peers, "find_spec", lambda name: None if name == "kornia" else there(name))
    works, missing = pipelines(CommonViews(2, 24, (0.2, 1.0)))
    assert "Kornia" in missing
    assert "Kornia" not in works


def test_wrong_use_is_said_before_anything_is_measured(tmp_path, capsys):
    assert (
        main(["bench", "scenes:count=67", "--policy", "1x rc", "--out", str(tmp_path / "b")]) == 2
    )
    assert "simclr needs at least two views" in capsys.readouterr().err
    assert main(["bench", "scenes:count=67", "--out", str(tmp_path / "no" / "b.json")]) == 2
    assert "`out` must lie in an existing folder" in capsys.readouterr().err

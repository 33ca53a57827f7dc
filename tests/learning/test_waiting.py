"""What share of its time a run waits for views."""

import itertools
import json
import weakref

import numpy as np
import pytest
from PIL import Image

from tamecrop.cli import main
from tamecrop.cli.display import position
from tamecrop.data import ImageSet, load
from tamecrop.learning import Pretraining, trainer, watching
from tamecrop.learning.pretrain import pretrain
from tamecrop.learning.watching import Clock
from tamecrop.views.photometric import Finish


def test_time_is_counted_where_the_next_views_are_asked_for(monkeypatch):
    """By a clock of our own: views come after 3 seconds, steps take 1, 2, 3 and 4."""
    now = itertools.count()
    held = [0.0]
    monkeypatch.setattr(watching.time, "perf_counter", lambda: held[0])

    def views():
        for _ in range(4):
            held[0] += 3
            yield next(now)

    clock, seen = Clock(0.0, 0), []
    laps = []
    for each in clock.watch(views()):
        held[0] += 1 + each
        seen.append(each)
        laps.append(clock.lap())
    assert seen == [0, 1, 2, 3]
    assert laps == pytest.approx([3 / 4, 3 / 5, 3 / 6, 3 / 7])
    assert clock.waiting == pytest.approx(12 / 22)
    progress = clock.progress(4, 8, loss=1.5, batch_size=10)
    rates = (progress.images_per_second, progress.seconds_left)
    assert rates == pytest.approx((40 / 22, 22.0))
    assert position(progress).endswith("2 images/s, 22 s left, 55 % waiting for views")


def test_nothing_is_said_where_nothing_is_waited_for(monkeypatch):
    monkeypatch.setattr(watching.time, "perf_counter", iter([0.0, *[2.0] * 9]).__next__)
    progress = Clock(0.0, 0).progress(1, 2, loss=1.0, batch_size=4)
    assert progress.waiting == 0
    assert "waiting" not in position(progress)


@pytest.mark.parametrize("workers", [0, 1])
def test_every_step_records_its_share_and_what_lay_ready(tmp_path, workers):
    data = load("scenes:count=60,side=32", needs=())
    train = write_files(tmp_path / "files", data.train)
    config = Pretraining(
        backbone="resnet7w16", epochs=2, warmup_epochs=0, batch_size=16, workers=workers, size=16
    )
    run = pretrain(data.with_train(train), "rc:scale=0.6", config, tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert len(rows) == 2 * run.steps_per_epoch
    assert all(0 < row["waiting"] < 1 for row in rows)
    assert run.watched()["waiting"] == pytest.approx(np.mean([row["waiting"] for row in rows]))
    queued = [row.get("queued") for row in rows]
    assert all(0 <= each <= 2 for each in queued) if workers else queued == [None] * len(rows)


class Counting(Finish):
    """How many batches were alive when each was finished."""

    finished, alive = [], []

    def apply(self, views, **how):
        self.alive.append(sum(each() is not None for each in self.finished))
        found = super().apply(views, **how)
        self.finished.append(weakref.ref(found))
        return found


@pytest.mark.parametrize("held", ["memory", "files"])
def test_on_a_cpu_a_batch_is_gone_before_the_next_is_made(tmp_path, held, monkeypatch):
    monkeypatch.setattr(trainer, "Finish", Counting)
    monkeypatch.setattr(Counting, "finished", [])
    monkeypatch.setattr(Counting, "alive", [])
    data = load("scenes:count=60,side=32", needs=())
    if held == "files":
        data = data.with_train(write_files(tmp_path / "files", data.train))
    config = Pretraining(
        backbone="resnet7w16", epochs=2, warmup_epochs=0, batch_size=16, accumulate=2, size=16
    )
    run = pretrain(data, "rc:scale=0.6", config, tmp_path / "run")
    assert Counting.alive == [0] * 2 * run.steps_per_epoch


def write_files(folder, images):
    folder.mkdir()
    paths = tuple(folder / f"{number:03}.png" for number in range(len(images)))
    for path, pixels in zip(paths, images.pixels, strict=True):
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(path)
    return ImageSet(paths=paths, sizes=images.sizes)


def test_pretrain_says_it_at_the_end(tmp_path, capsys):
    tiny = ["--training.epochs=1", "--training.warmup_epochs=0", "--training.batch_size=30"]
    words = ["pretrain", "scenes:count=67", "--policy", "rc:scale=0.6", *tiny]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    assert capsys.readouterr().out.rstrip().endswith("% waiting for views")

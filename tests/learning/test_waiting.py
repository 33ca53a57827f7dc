"""What share of its time a run waits for views."""

import itertools

import pytest

from tamecrop.cli import main
from tamecrop.cli.display import position
from tamecrop.learning import watching
from tamecrop.learning.watching import Clock


def test_time_is_counted_where_the_next_views_are_asked_for(monkeypatch):
    """By a clock of our own: views come after 3 seconds, a step takes 1."""
    now = itertools.count()
    held = [0.0]
    monkeypatch.setattr(watching.time, "perf_counter", lambda: held[0])

    def views():
        for _ in range(4):
            held[0] += 3
            yield next(now)

    clock, seen = Clock(0.0, 0), []
    for each in clock.watch(views()):
        held[0] += 1
        seen.append(each)
    assert seen == [0, 1, 2, 3]
    assert clock.waiting == pytest.approx(12 / 16)
    progress = clock.progress(4, 8, loss=1.5, batch_size=10)
    assert (progress.images_per_second, progress.seconds_left) == (2.5, 16.0)
    assert position(progress).endswith("2 images/s, 16 s left, 75 % waiting for views")


def test_nothing_is_said_where_nothing_is_waited_for(monkeypatch):
    monkeypatch.setattr(watching.time, "perf_counter", iter([0.0, *[2.0] * 9]).__next__)
    progress = Clock(0.0, 0).progress(1, 2, loss=1.0, batch_size=4)
    assert progress.waiting == 0
    assert "waiting" not in position(progress)


def test_pretrain_says_it_at_the_end(tmp_path, capsys):
    tiny = ["--training.epochs=1", "--training.warmup_epochs=0", "--training.batch_size=30"]
    words = ["pretrain", "scenes:count=67", "--policy", "rc:scale=0.6", *tiny]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    assert capsys.readouterr().out.rstrip().endswith("% waiting for views")

"""R1 to R3: whatever happens while a checkpoint is saved, a whole one stays."""

import errno
import random
import time
from itertools import count

import pytest

from reliability import checkpoints, disk
from reliability.checkpoints import save, save_in_place
from tamecrop.files import write_atomic, write_synced
from tamecrop.learning import checkpoint
from tamecrop.learning.checkpoint import CheckpointError
from tamecrop.learning.run_folder import alone

KILLS, OFFSETS = 50, 20


@pytest.mark.slow
def test_r1_fifty_kills_at_random_moments_lose_nothing(forks, tmp_path, record):
    folder, told, chance = tmp_path / "checkpoints", tmp_path / "told", random.Random(1)
    seen, strays = 0, 0
    for _ in range(KILLS):
        told.write_text("")
        child = forks.start(checkpoints.save_for_ever, folder, seen + 1, told)
        while not told.read_text():
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.03))
        child.kill()
        assert child.wait() == -9
        strays += len(list(folder.glob(".*.tmp")))
        with alone(tmp_path):
            assert not list(folder.glob(".*.tmp"))
        found = checkpoint.latest(folder)
        assert found.damaged == ()
        assert checkpoints.is_whole(found.checkpoint)
        step = found.checkpoint.state["step"]
        assert step >= int(told.read_text().split()[-1]) > seen
        seen = step
    record(
        "R1",
        f"{KILLS} kills, 0 unloadable, 0 missing, {strays} strays removed",
        n=KILLS,
        strays=strays,
        steps=seen,
    )


def losses_of(forks, folder, saver, *, stride=1):
    """Kill before each file operation of a save, or every so many: what is lost, how many were."""
    lost = []
    for at in count(step=stride):
        shelf = folder / str(at)
        save(shelf, 1)
        child = forks.start(checkpoints.save_until_killed, shelf, saver, 2, at)
        if child.wait() == 0:
            return lost, at
        try:
            found = checkpoint.latest(shelf).checkpoint
        except CheckpointError as error:
            lost.append(f"{at}: {error}")
            continue
        if found is None or not checkpoints.is_whole(found):
            lost.append(f"{at}: nothing is left")


def test_r1_a_kill_before_any_single_operation_loses_nothing(forks, memory_disk, record):
    lost, operations = losses_of(forks, memory_disk / "good", save)
    assert lost == []
    assert operations > 12
    broken, _ = losses_of(forks, memory_disk / "broken", save_in_place, stride=3)
    assert broken, "a saver that removes the old one first must be seen"
    record(
        "R1.operations",
        f"killed before each of {operations} file operations: 0 lost; broken saver: {len(broken)}",
        n=operations,
    )


def test_r2_calls_come_in_the_order_that_survives_a_power_cut(memory_disk, record):
    for step in (1, 2):
        save(memory_disk, step)
    with disk.watched(disk.Disk(memory_disk)) as seen:
        target = save(memory_disk, 3)
    assert checkpoints.violations(seen.events, target) == []
    syncs = [place for place, event in enumerate(seen.events) if event[0] == "fsync"]
    assert len(syncs) == 6
    for place in syncs:
        without = seen.events[:place] + seen.events[place + 1 :]
        assert checkpoints.violations(without, target), f"{seen.events[place]} is not missed"
    early = [("remove", str(memory_disk / "step-000000002" / "state.json"), ""), *seen.events]
    assert any("goes before" in line for line in checkpoints.violations(early, target))
    record("R2", f"{len(seen.events)} calls in order; each of 6 syncs missed when absent", n=6)


def test_r2_a_whole_checkpoint_of_the_same_step_is_never_touched(memory_disk):
    target = save(memory_disk, 1)
    with disk.watched(disk.Disk(memory_disk)) as seen:
        assert save(memory_disk, 1) == target
    assert seen.events == []
    (target / "state.json").write_text("{}")
    save(memory_disk, 1)
    assert checkpoint.damage(target) is None


def test_two_usable_checkpoints_stay_even_when_one_is_damaged(memory_disk):
    for step in (1, 2):
        save(memory_disk, step)
    (memory_disk / "step-000000002" / "state.json").write_text("{}")
    save(memory_disk, 3)
    usable = [
        path.name for path in checkpoint.list_saved(memory_disk) if not checkpoint.damage(path)
    ]
    assert usable == ["step-000000003", "step-000000001"]


def refused(folder, saver, **faults):
    """Save step 2 on a failing disk; the error, after a check that the past is intact."""
    watching = disk.Disk(folder, **faults)
    error = None
    with disk.watched(watching):
        try:
            saver(folder, 2)
        except OSError as raised:
            error = raised
    found = checkpoint.latest(folder)
    assert checkpoints.is_whole(found.checkpoint)
    assert found.damaged == ()
    assert not list(folder.glob(".*.tmp"))
    return error


def test_r3_a_disk_that_refuses_costs_one_typed_error_and_nothing_saved(memory_disk, record):
    size = sum(len(part) for part in checkpoint._contents(checkpoints.small(2)).values())
    offsets = [size * place // OFFSETS for place in range(OFFSETS)]
    for number in (errno.ENOSPC, errno.EIO):
        for offset in offsets:
            folder = memory_disk / f"{number}-{offset}"
            save(folder, 1)
            error = refused(folder, save, wrote=disk.full_after(offset, number))
            assert error is not None
            assert error.errno == number
            assert str(folder) in str(error.filename)
            assert checkpoint.latest(folder).checkpoint.state["step"] == 1
    record("R3", f"{OFFSETS}/{OFFSETS} offsets with ENOSPC and EIO: path named, old intact", n=40)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_r3_any_single_operation_may_be_refused(memory_disk, number, record):
    for step in (1, 2):
        save(memory_disk / "model", step)
    with disk.watched(disk.Disk(memory_disk / "model")) as seen:
        save(memory_disk / "model", 3)
    for place in range(len(seen.events)):
        folder = memory_disk / str(place)
        save(folder, 1)
        error = refused(folder, save, before=disk.refusing(place, number))
        assert error is None or (error.errno == number and str(folder) in str(error.filename))
    record(f"R3.{errno.errorcode[number].lower()}", "each operation refused once", n=place + 1)


def test_r3_a_saver_that_writes_in_place_is_seen(memory_disk):
    save(memory_disk, 1)
    with pytest.raises((CheckpointError, AssertionError, AttributeError)):
        refused(memory_disk, save_in_place, wrote=disk.full_after(900))


def test_r3_a_device_that_is_full_names_the_file_and_keeps_the_old_one(memory_disk, monkeypatch):
    with pytest.raises(OSError, match=r"No space left.*'/dev/full'") as caught:
        write_synced(disk.Path("/dev/full"), b"x" * 100_000)
    assert caught.value.errno == errno.ENOSPC
    target = memory_disk / "metrics.csv"
    write_atomic(target, b"old")
    monkeypatch.setattr("tamecrop.files.beside_of", lambda path: path.with_name(".beside.tmp"))
    (memory_disk / ".beside.tmp").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"No space left.*\.beside\.tmp"):
        write_atomic(target, b"new" * 100_000)
    assert target.read_bytes() == b"old"

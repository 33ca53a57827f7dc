"""R4 to R6: a checkpoint is believed only when every bit of it is right, and of this very run."""

import dataclasses
import hashlib
import json
import random
import shutil
from pathlib import Path

import pytest
import torch

import tamecrop as tc
from reliability import checkpoints, children
from reliability.checkpoints import save
from tamecrop.data.sources import load
from tamecrop.learning import checkpoint, methods, run_folder, training_state
from tamecrop.learning.backbones import backbone
from tamecrop.learning.checkpoint import Checkpoint, CheckpointError

FLIPS = TRUNCATIONS = 200
STORED = Path(__file__).parent / "stored"


@pytest.fixture
def shelf(memory_disk):
    """Two whole checkpoints."""
    for step in (1, 2):
        save(memory_disk, step)
    return memory_disk


def undetected(shelf, cases, chance, damage):
    """Damage one file of the newest checkpoint at a time; the cases that nobody noticed."""
    missed = []
    files = sorted(checkpoint.list_saved(shelf)[0].iterdir())
    for case in range(cases):
        path = chance.choice(files)
        content = path.read_bytes()
        path.write_bytes(damage(bytearray(content)))
        try:
            found = checkpoint.latest(shelf)
            whole = checkpoints.is_whole(found.checkpoint) and found.checkpoint.state["step"] == 1
        except (ValueError, KeyError) as error:
            missed.append(f"{case}: {path.name} {error!r}")
            continue
        finally:
            path.write_bytes(content)
        if not whole or len(found.damaged) != 1 or path.parent.name not in found.damaged[0]:
            missed.append(f"{case}: {path.name}")
    return missed


def flip(content, chance):
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return content


def test_r4_every_flipped_bit_and_every_lost_byte_is_noticed(shelf, monkeypatch, record):
    chance = random.Random(4)
    assert undetected(shelf, FLIPS, chance, lambda content: flip(content, chance)) == []
    cut = lambda content: content[: chance.randrange(len(content))]  # noqa: E731
    assert undetected(shelf, TRUNCATIONS, chance, cut) == []
    monkeypatch.setattr(
        checkpoint, "_matching", lambda path, name, manifest: (path / name).read_bytes()
    )
    missed = undetected(shelf, FLIPS, chance, lambda content: flip(content, chance))
    assert missed, "a reader that does not look at checksums must be seen"
    record(
        "R4",
        f"{FLIPS}/{FLIPS} bit flips and {TRUNCATIONS}/{TRUNCATIONS} truncations noticed before a "
        f"tensor is used; without checksums {len(missed)} flips pass",
        n=FLIPS + TRUNCATIONS,
        unnoticed_without_checksums=len(missed),
    )


def test_r4_swapped_files_and_folders_are_noticed(shelf):
    new, old = checkpoint.list_saved(shelf)
    for one, two in [
        (new / "weights.safetensors", old / "weights.safetensors"),
        (new / "weights.safetensors", new / "train.safetensors"),
        (new / "state.json", old / "state.json"),
        (new / "manifest.json", old / "manifest.json"),
    ]:
        swap(one, two)
        assert checkpoint.damage(new) is not None, f"{one.name} {two.name}"
        swap(one, two)
        assert checkpoint.damage(new) is None
    swap(new, old)
    with pytest.raises(CheckpointError, match="holds step 1: it was renamed or copied there"):
        checkpoint.latest(shelf)


def swap(one, two):
    aside = one.with_name("aside")
    one.rename(aside)
    two.rename(one)
    aside.rename(two)


def test_r4_nothing_usable_never_means_from_the_beginning(shelf, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(shelf, run / run_folder.CHECKPOINTS)
    (run / "metrics.csv").write_text("step\n")
    for path in checkpoint.list_saved(run / run_folder.CHECKPOINTS):
        (path / "weights.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"weights\.safetensors cannot be read: No such file"):
        run_folder.progress(run, {})
    shutil.rmtree(run / run_folder.CHECKPOINTS)
    with pytest.raises(CheckpointError, match=r"checkpoints were saved: put them back"):
        run_folder.progress(run, {})
    (run / "metrics.csv").unlink()
    assert run_folder.progress(run, {}).checkpoint is None


def model_and_optimizer(name):
    torch.manual_seed(0)
    model = methods.method("simclr", backbone("resnet10w16"))
    optimizer = training_state.optimizer(name, model, learning_rate=0.1, weight_decay=1e-4)
    model([torch.rand(4, 2, 3, 8, 8)]).backward()
    optimizer.step()
    return model, optimizer


def taken(model, optimizer):
    train = training_state.training_tensors(model, optimizer)
    train["losses"] = torch.tensor([1.25], dtype=torch.float64)
    state = {"step": 1, "seconds": 0.5, "run": {"seed": 0}}
    return Checkpoint(training_state.weights(model), train, state)


def same(one, two):
    return one.keys() == two.keys() and all(
        one[name].dtype == two[name].dtype and torch.equal(one[name], two[name]) for name in one
    )


@pytest.mark.parametrize("name", ["adam", "sgd", "lars"])
def test_r5_a_round_trip_keeps_every_bit_and_every_missing_key_is_refused(
    memory_disk, name, record
):
    before = taken(*model_and_optimizer(name))
    after = checkpoint.load(checkpoint.save(memory_disk, before, step=1))
    assert same(before.weights, after.weights)
    assert same(before.train, after.train)
    assert before.state == after.state
    torch.manual_seed(1)
    model = methods.method("simclr", backbone("resnet10w16"))
    optimizer = training_state.optimizer(name, model, learning_rate=0.1, weight_decay=1e-4)
    training_state.restore(model, optimizer, after)
    again = taken(model, optimizer)
    assert same(before.weights, again.weights)
    assert same(before.train, again.train)
    keys = [(part, key) for part in ("weights", "train") for key in getattr(after, part)]
    keys.remove(("train", "losses"))
    for part, key in keys:
        less = {each: value for each, value in getattr(after, part).items() if each != key}
        short = key.removeprefix("method.")
        with pytest.raises(CheckpointError, match=rf"{short.replace('.', '[.]')} is missing"):
            training_state.restore(model, optimizer, dataclasses.replace(after, **{part: less}))
    record(
        f"R5.{name}",
        f"equal at tolerance 0; {len(keys)}/{len(keys)} missing keys refused",
        n=len(keys),
    )


@pytest.mark.parametrize("key", ["run", "seconds", "step", "losses"])
def test_r5_a_missing_part_of_the_state_is_refused_by_name(tmp_path, key):
    whole = checkpoints.small(3)
    state = {name: value for name, value in whole.state.items() if name != key}
    train = {name: value for name, value in whole.train.items() if name != key}
    folder = tmp_path / run_folder.CHECKPOINTS / "step-000000003"
    folder.parent.mkdir()
    checkpoint._write(folder, checkpoint._contents(Checkpoint(whole.weights, train, state)))
    with pytest.raises(CheckpointError, match=key):
        run_folder.progress(tmp_path, whole.state["run"])


def refusals(tmp_path, claim):
    """Every setting changed once; the names of those that were not refused."""
    data, law = load("scenes:count=60"), tc.policy("rc:scale=0.6")
    identity = run_folder.identity(data, law, children.TINY, seed=0)
    let_through = []
    for place, name in enumerate(set(identity) - set(run_folder.DESCRIPTIONS)):
        out = tmp_path / str(place)
        out.mkdir(parents=True)
        claim(out, identity)
        try:
            claim(out, {**identity, name: "another"})
        except ValueError as error:
            said = str(error)
        else:
            said = ""
        if f"holds another run: `{name}` is" not in said:
            let_through.append(name)
    return let_through, identity


def test_r5_every_changed_setting_is_refused_by_name(tmp_path, record):
    let_through, identity = refusals(tmp_path / "a", run_folder.claim)
    assert let_through == []
    fields = {field.name for field in dataclasses.fields(children.TINY)}
    assert set(identity) == fields - set(children.TINY.FREE) - set(children.TINY.ADDED) | {
        "policy",
        "seed",
        "fingerprint",
    } | set(run_folder.DESCRIPTIONS)
    n = len(identity) - len(run_folder.DESCRIPTIONS)
    blind, _ = refusals(
        tmp_path / "b", lambda out, what: run_folder.claim(out, {"seed": what["seed"]})
    )
    assert "policy" in blind, "a claim that looks at the seed alone must be seen"
    record("R5", f"{n}/{n} changed settings refused by name", n=n)


@pytest.mark.parametrize("older_first", [True, False])
def test_r5_a_setting_that_older_runs_do_not_record_is_refused_too(tmp_path, older_first):
    data, law = load("scenes:count=60"), tc.policy("rc:scale=0.6")
    fast = dataclasses.replace(children.TINY, decode="fast")
    old, new = (run_folder.identity(data, law, config, seed=0) for config in (children.TINY, fast))
    assert "decode" not in old, "a run of an older version is the same run"
    first, second = (old, new) if older_first else (new, old)
    run_folder.claim(tmp_path, first)
    with pytest.raises(ValueError, match="holds another run: `decode` is"):
        run_folder.claim(tmp_path, second)


def test_r5_a_checkpoint_of_another_run_is_refused_even_without_run_json(tmp_path):
    checkpoint.save(tmp_path / run_folder.CHECKPOINTS, checkpoints.small(3), step=3)
    with pytest.raises(ValueError, match=r"step-000000003 holds another run: `seed` is 0 there"):
        run_folder.progress(tmp_path, {"policy": "rc", "seed": 1})


def test_r5_a_damaged_run_json_is_named(tmp_path):
    (tmp_path / "run.json").write_text('{"policy": ')
    with pytest.raises(ValueError, match=r"run\.json is damaged"):
        run_folder.claim(tmp_path, {"policy": "rc"})


def test_r6_a_checkpoint_of_every_released_format_loads(tmp_path, record):
    stored = sorted(STORED.glob("format-*"))
    assert len(stored) == checkpoint.FORMAT
    for folder in stored:
        found = checkpoint.latest(folder).checkpoint
        assert found.state["step"] == 3
        assert same(found.weights, checkpoints.small(3).weights)
        assert same(found.train, checkpoints.small(3).train)
    record("R6", f"{len(stored)}/{len(stored)} stored formats load", n=len(stored))


@pytest.mark.parametrize("form", [0, 3, "1", None])
def test_r6_another_format_is_refused_with_what_to_do(tmp_path, form):
    folder = tmp_path / "step-000000003"
    shutil.copytree(STORED / "format-1" / "step-000000003", folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "format": form}))
    with pytest.raises(CheckpointError, match=r"continue with the version of tamecrop that wrote"):
        checkpoint.load(folder)


def test_r6_a_stored_checkpoint_that_changed_is_seen(tmp_path):
    folder = tmp_path / "step-000000003"
    shutil.copytree(STORED / "format-1" / "step-000000003", folder)
    state = folder / "state.json"
    state.write_text(state.read_text().replace("1.5", "2.5"))
    with pytest.raises(CheckpointError, match="does not match its checksum"):
        checkpoint.load(folder)


def test_content_that_is_no_tensors_is_refused_even_with_a_right_checksum(tmp_path):
    folder = tmp_path / "step-000000003"
    shutil.copytree(STORED / "format-1" / "step-000000003", folder)
    content = (2**60).to_bytes(8, "little") + b"{}"
    (folder / "weights.safetensors").write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"]["weights.safetensors"] = hashlib.sha256(content).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CheckpointError, match=r"weights\.safetensors holds no tensors"):
        checkpoint.load(folder)

"""Checkpoints: folders of safetensors and JSON that are verified before they are believed.

A checkpoint is built beside its target under a temporary name, every file synced, its manifest
(SHA-256 of every file) written last; it is read back, and only then renamed into place. A whole
checkpoint is never replaced, and old ones go only after that. The latest one is found by its
manifest, and only what has been verified is ever read. There is no pickle.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from tamecrop.files import beside_of, remove_folder, sync_folder, write_synced
from tamecrop.learning import old_formats

FORMAT = 2
"""Written; 1 is read too. Since 2 the method's tensors are those that it lists itself."""
KEPT = 2
"""Checkpoints of a run that stay: the latest, and the one before it."""

_NAME = re.compile(r"step-(\d{9})")
_FILES = ("weights.safetensors", "train.safetensors", "state.json")
_MANIFEST = "manifest.json"


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message names it and the reason."""


@dataclass(frozen=True)
class Checkpoint:
    """What a run needs to go on as if it had never stopped.

    Args:
        weights: of the backbone, the network kept.
        train: optimizer, what the method lists, and loss curve, as named tensors.
        state: step, epoch, config, data fingerprint: plain JSON values.
    """

    weights: Mapping[str, Tensor]
    train: Mapping[str, Tensor]
    state: Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """The newest usable checkpoint of a run, and what had to be passed over to reach it.

    Args:
        path: of the checkpoint; None when the run has none.
        checkpoint: its content.
        damaged: one line for each newer one that did not verify.
    """

    path: Path | None
    checkpoint: Checkpoint | None
    damaged: tuple[str, ...]


def save(folder: Path, checkpoint: Checkpoint, *, step: int) -> Path:
    """Save a checkpoint as `folder/step-NNNNNNNNN`, then drop all but the latest two whole ones.

    A whole checkpoint of that step stays as it is: a run comes to a step in one way only.

    Args:
        folder: of the run's checkpoints; made if missing.
        checkpoint: what to save.
        step: finished training steps.

    Returns:
        The checkpoint's path.

    Raises:
        OSError: when the disk refuses; earlier checkpoints are then untouched.
        CheckpointError: when what was written does not read back; they are then untouched too.
    """
    target = folder / f"step-{step:09d}"
    if damage(target) is None:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    building = beside_of(target)
    shutil.rmtree(building, ignore_errors=True)
    try:
        _write(building, _contents(checkpoint))
        _verified(building)
        _put_in_place(building, target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    _drop_old(folder)
    return target


def latest(folder: Path) -> Found:
    """Find the newest checkpoint that verifies.

    Raises:
        CheckpointError: when there are checkpoints, but none can be used: a run never silently
            restarts from zero.
    """
    damaged: list[str] = []
    for path in list_saved(folder):
        try:
            return Found(path, load(path), tuple(damaged))
        except CheckpointError as error:
            damaged.append(str(error))
    if damaged:
        raise CheckpointError("; ".join(damaged))
    return Found(None, None, ())


def load(path: Path) -> Checkpoint:
    """Read one checkpoint, every file checked against the manifest first.

    Raises:
        CheckpointError: naming the file that is missing, damaged or of another format.
    """
    contents = _verified(path)
    train = _loaded(path, "train.safetensors", contents)
    return Checkpoint(
        weights=_loaded(path, "weights.safetensors", contents),
        train=old_formats.rename_tensors(train) if _manifest(path).form == 1 else train,
        state=_state(path, contents["state.json"]),
    )


def list_saved(folder: Path) -> list[Path]:
    """Checkpoints in a folder, newest first, whole or not."""
    found = [path for path in _entries(folder) if _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: path.name, reverse=True)


def damage(path: Path) -> str | None:
    """Why a checkpoint cannot be used, in one line; None when it can. Reads all of it."""
    try:
        load(path)
    except CheckpointError as error:
        return str(error)
    return None


def glance(path: Path) -> Mapping[str, Any]:
    """The state of a checkpoint, without reading its tensors.

    Raises:
        CheckpointError: naming the file that is missing, damaged or of another format.
    """
    content = _matching(path, "state.json", _manifest(path).hashes)
    for name in _FILES:
        if not (path / name).is_file():
            raise CheckpointError(f"{path / name} is missing")
    return _state(path, content)


def _contents(checkpoint: Checkpoint) -> dict[str, bytes]:
    state = json.dumps(dict(checkpoint.state), indent=2, allow_nan=False)
    return {
        "weights.safetensors": _tensors(checkpoint.weights),
        "train.safetensors": _tensors(checkpoint.train),
        "state.json": state.encode(),
    }


def _tensors(named: Mapping[str, Tensor]) -> bytes:
    host = {name: tensor.detach().cpu().contiguous() for name, tensor in named.items()}
    content: bytes = safetensors.torch.save(host)
    return content


def _write(folder: Path, contents: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, content in contents.items():
        write_synced(folder / name, content)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    manifest = json.dumps({"format": FORMAT, "sha256": hashes}, indent=2)
    write_synced(folder / _MANIFEST, manifest.encode())
    sync_folder(folder)


def _put_in_place(building: Path, target: Path) -> None:
    """Rename; what has the name already did not verify."""
    if target.exists():
        remove_folder(target)
    building.rename(target)
    sync_folder(target.parent)


def _drop_old(folder: Path) -> None:
    """Remove what is older than the latest two that can be used."""
    whole = 0
    for path in list_saved(folder):
        if whole == KEPT:
            remove_folder(path)
        elif damage(path) is None:
            whole += 1


def _entries(folder: Path) -> Iterator[Path]:
    return folder.iterdir() if folder.is_dir() else iter(())


def _verified(path: Path) -> dict[str, bytes]:
    """The files of a checkpoint, as bytes that match the manifest."""
    hashes = _manifest(path).hashes
    return {name: _matching(path, name, hashes) for name in _FILES}


def _matching(path: Path, name: str, hashes: Mapping[str, str]) -> bytes:
    content = _read(path / name)
    if hashlib.sha256(content).hexdigest() != hashes.get(name):
        raise CheckpointError(f"{path / name} does not match its checksum")
    return content


class _Manifest(NamedTuple):
    """The format of a checkpoint, and the SHA-256 of each of its files."""

    form: int
    hashes: dict[str, str]


def _manifest(path: Path) -> _Manifest:
    try:
        manifest = json.loads(_read(path / _MANIFEST))
        form, hashes = manifest["format"], manifest["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path / _MANIFEST} is damaged: {error}") from error
    if form not in range(1, FORMAT + 1):
        raise CheckpointError(
            f"{path} has format {form} and this version reads formats 1 to {FORMAT}: continue with "
            "the version of tamecrop that wrote it, or train in another folder"
        )
    if not isinstance(hashes, dict):
        raise CheckpointError(f"{path / _MANIFEST} is damaged: no checksums")
    return _Manifest(form, hashes)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error


def _loaded(path: Path, name: str, contents: Mapping[str, bytes]) -> dict[str, Tensor]:
    try:
        tensors: dict[str, Tensor] = safetensors.torch.load(contents[name])
    except SafetensorError as error:
        raise CheckpointError(f"{path / name} holds no tensors: {error}") from error
    return tensors


def _state(path: Path, content: bytes) -> Mapping[str, Any]:
    """What `state.json` holds, once it is that of this step; its run in today's words."""
    try:
        state = dict(json.loads(content))
        step = state["step"]
        if "run" in state:
            state["run"] = old_formats.translate_run(state["run"])
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path / 'state.json'} is damaged: {error!r}") from error
    named = _NAME.fullmatch(path.name)
    if named and step != int(named[1]):
        raise CheckpointError(f"{path} holds step {step}: it was renamed or copied there")
    return state

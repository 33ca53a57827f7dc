"""Checkpoints: folders of safetensors and JSON that are verified before they are believed.

A checkpoint is built beside its target under a temporary name, every file synced, its manifest
(SHA-256 of every file) written last; then it is renamed into place. The latest one is found by
its manifest, and only what has been verified is ever read. There is no pickle.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from tamecrop.data.files import sync_folder, write_synced

FORMAT = 1
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
        train: optimiser, head and loss curve, as named tensors.
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
    """Save a checkpoint as `folder/step-NNNNNNNNN`, then drop all but the latest two.

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
    folder.mkdir(parents=True, exist_ok=True)
    building = folder / f".{target.name}.{os.getpid()}.tmp"
    shutil.rmtree(building, ignore_errors=True)
    try:
        _write(building, _contents(checkpoint))
        _put_in_place(building, target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    _verified(target)
    for old in _saved(folder)[KEPT:]:
        shutil.rmtree(old)
    return target


def latest(folder: Path) -> Found:
    """Find the newest checkpoint that verifies; strays of a killed save are removed.

    Raises:
        CheckpointError: when there are checkpoints, but none can be used: a run never silently
            restarts from zero.
    """
    damaged: list[str] = []
    for stray in folder.glob(".step-*.tmp"):
        shutil.rmtree(stray)
    for path in _saved(folder):
        try:
            return Found(path, _decoded(_verified(path)), tuple(damaged))
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
    return _decoded(_verified(path))


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
    """Rename; a checkpoint of the same step is the same by design, or damaged: replace it."""
    if target.exists():
        replaced = building.with_suffix(".old.tmp")
        target.rename(replaced)
        building.rename(target)
        shutil.rmtree(replaced)
    else:
        building.rename(target)
    sync_folder(target.parent)


def _saved(folder: Path) -> list[Path]:
    """Checkpoints by step, newest first."""
    found = [path for path in _entries(folder) if _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: path.name, reverse=True)


def _entries(folder: Path) -> Iterator[Path]:
    return folder.iterdir() if folder.is_dir() else iter(())


def _verified(path: Path) -> dict[str, bytes]:
    """The files of a checkpoint, as bytes that match the manifest."""
    manifest = _manifest(path)
    contents = {name: _read(path / name) for name in _FILES}
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != manifest.get(name):
            raise CheckpointError(f"{path / name} does not match its checksum")
    return contents


def _manifest(path: Path) -> dict[str, str]:
    try:
        manifest = json.loads(_read(path / _MANIFEST))
        form, hashes = manifest["format"], manifest["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path / _MANIFEST} is damaged: {error}") from error
    if form != FORMAT:
        raise CheckpointError(f"{path} has format {form}; this version reads format {FORMAT}")
    if not isinstance(hashes, dict):
        raise CheckpointError(f"{path / _MANIFEST} is damaged: no checksums")
    return hashes


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error


def _decoded(contents: Mapping[str, bytes]) -> Checkpoint:
    return Checkpoint(
        weights=safetensors.torch.load(contents["weights.safetensors"]),
        train=safetensors.torch.load(contents["train.safetensors"]),
        state=json.loads(contents["state.json"]),
    )

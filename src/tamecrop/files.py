"""Files that are there whole or not at all."""

import os
import shutil
from pathlib import Path


def write_synced(path: Path, content: bytes) -> None:
    """Write a file and wait until the disk has it.

    Raises:
        OSError: if the disk refuses; names the file.
    """
    try:
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_atomic(path: Path, content: bytes) -> None:
    """Write a whole file or leave the old one: beside its target, fsynced, then renamed.

    Args:
        path: target; its folder must exist.
        content: the new content.

    Raises:
        OSError: if the disk refuses; the old file is then untouched.
    """
    beside = beside_of(path)
    try:
        write_synced(beside, content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)


def beside_of(path: Path) -> Path:
    """Where something is built before it gets its name: hidden, beside it.

    >>> beside_of(Path("run/metrics.csv")).match("run/.metrics.csv.*.tmp")
    True
    """
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def remove_folder(folder: Path) -> None:
    """Remove a folder so that it is never seen half removed: its name goes first.

    Raises:
        OSError: if the disk refuses; names the file.
    """
    gone = folder.with_name(f".{folder.name}.{os.getpid()}.gone.tmp")
    shutil.rmtree(gone, ignore_errors=True)
    folder.rename(gone)
    shutil.rmtree(gone)


def remove_strays(folder: Path) -> None:
    """Remove what killed processes were building in a folder.

    Only for who holds the folder alone: what another process is building looks the same.
    """
    for stray in folder.glob(".*.tmp"):
        if stray.is_dir() and not stray.is_symlink():
            shutil.rmtree(stray)
        else:
            stray.unlink()


def sync_folder(folder: Path) -> None:
    """Wait until the disk knows the names in a folder.

    Raises:
        OSError: if the disk refuses; names the folder.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error
    finally:
        os.close(handle)

"""Where a number was made: hardware, versions, commit."""

import functools
import importlib.metadata
import os
import platform
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from tamecrop.version import VERSION

RECORDED = ("torch", "torchvision", "numpy", "lightly", "lightning-fabric", "kornia")


@dataclass(frozen=True)
class Environment:
    """What a reader needs to place a number.

    Attributes:
        hardware: CPU or accelerator, in words.
        cores: CPU cores that the process could use; None where an older record has none.
        threads: Threads that torch computed with.
        platform: Operating system; None as for `cores`.
        python: Version of Python; None likewise.
        versions: Package name to version.
        commit: `git describe` of the code, or None outside a checkout.
    """

    hardware: str
    cores: int | None
    threads: int
    platform: str | None
    python: str | None
    versions: dict[str, str]
    commit: str | None


def environment() -> Environment:
    """Describe this process; what cannot change is asked once."""
    return replace(_lasting(), threads=torch.get_num_threads())


@functools.cache
def _lasting() -> Environment:
    return Environment(
        hardware=_hardware(),
        cores=cores(),
        threads=0,
        platform=platform.system(),
        python=platform.python_version(),
        versions=_versions(),
        commit=commit(),
    )


def cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _hardware() -> str:
    if torch.cuda.is_available():
        return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name()}"
    return _processor(Path("/proc/cpuinfo")) or platform.processor() or platform.machine()


def _processor(table: Path) -> str | None:
    if not table.is_file():
        return None
    lines = (line.partition(":") for line in table.read_text().splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == "model name"), None)


def _versions() -> dict[str, str]:
    installed = {name: importlib.metadata.version(name) for name in RECORDED}
    return {"tamecrop": VERSION, **installed}


def commit(file: Path = Path(__file__)) -> str | None:
    """`git describe` of the checkout that tracks the code, `-dirty` when it was changed.

    Args:
        file: A file of the code; one that git does not track has no commit.

    Returns:
        The description, or None where there is no checkout or no git.
    """
    tracked = _git(file.parent, "ls-files", "--error-unmatch", file.name)
    if tracked is None:
        return None
    return _git(file.parent, "describe", "--always", "--dirty", "--exclude", "*")


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()

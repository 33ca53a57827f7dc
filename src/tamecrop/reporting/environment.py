"""Where a number was made: hardware, versions, commit."""

import ast
import functools
import hashlib
import importlib.metadata
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

import torch

from tamecrop.version import VERSION

RECORDED = ("torch", "torchvision", "numpy", "lightly", "lightning-fabric", "kornia")


@dataclass(frozen=True)
class Environment:
    """What a reader needs to place a number.

    Attributes:
        hardware: Processor or accelerator, in words.
        cores: Processor cores that this process may use.
        threads: Threads that torch computes with.
        platform: Operating system.
        python: Version of Python.
        versions: Package name to version.
        commit: `git describe` of the code, or None outside a checkout.
    """

    hardware: str
    cores: int
    threads: int
    platform: str
    python: str
    versions: dict[str, str]
    commit: str | None


@functools.cache
def environment() -> Environment:
    """Describe this process; asked once, remembered after."""
    return Environment(
        hardware=_hardware(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else _cores(),
        threads=torch.get_num_threads(),
        platform=platform.system(),
        python=platform.python_version(),
        versions=_versions(),
        commit=commit(),
    )


def _cores() -> int:
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


@functools.cache
def code_digest(rooms: tuple[str, ...] = ("geometry", "views", "data", "learning")) -> str:
    """A short hash of the code that decides numbers; comments, docstrings and layout do not count.

    Args:
        rooms: Folders of the package whose code is hashed.
    """
    package = Path(__file__).parents[1]
    files = sorted(file for room in rooms for file in (package / room).rglob("*.py"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(package).as_posix()}\n".encode())
        digest.update(bare_code(file.read_text()).encode())
    return digest.hexdigest()[:12]


def bare_code(source: str) -> str:
    r"""What a file does: its syntax tree without docstrings.

    >>> bare_code("def f():\n    'Say.'\n    return 1  # one") == bare_code("def f(): return 1")
    True
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
    return ast.dump(tree)


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()

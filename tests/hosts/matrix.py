"""Test the oldest, a middle and the newest versions that are promised: `make test-matrix`.

Each row is an environment of its own with everything that `pyproject.toml` asks for, torch and
torchvision included, several gigabytes each. A Python that is not on this machine is named and
counts as a failure. Environments are kept in `.hosts/` and made again when their row or
`pyproject.toml` changes.
"""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from time import perf_counter

from environments import ENVIRONMENTS, ROOT, run_each

ROWS = {
    "oldest": ("3.11", ["torch==2.6.0", "torchvision==0.21.0", "pillow==10.4.0"]),
    "middle": ("3.12", ["torch==2.9.1", "torchvision==0.24.1", "pillow==11.3.0"]),
    "newest": ("3.13", ["torch", "torchvision", "pillow"]),
}
"""Name to version of Python and what is pinned. Each torchvision fits one torch."""

TESTS = [
    *("geometry", "laws", "views", "parity", "data", "test_public.py", "test_numbers.py"),
    *("learning/test_pretrain.py", "hosts/test_torchvision.py", "commands/test_extras.py"),
]


def find_python(version: str) -> str | None:
    """An interpreter of that version: on the path, or one that pyenv has."""
    found = shutil.which(f"python{version}")
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    kept = sorted((root / "versions").glob(f"{version}.*/bin/python"))
    for each in filter(None, [*map(str, reversed(kept)), found]):
        said = subprocess.run([each, "--version"], capture_output=True, text=True, check=False)
        if said.stdout.startswith(f"Python {version}."):
            return each
    return None


def make(name: str) -> Path | None:
    """Make the environment of a row unless it stands, and return its Python, or None without."""
    version, pinned = ROWS[name]
    place = ENVIRONMENTS / f"matrix-{name}"
    python, mark = place / "bin" / "python", place / "state"
    text = f"{version} {pinned}\n{(ROOT / 'pyproject.toml').read_text('utf-8')}"
    state = hashlib.sha256(text.encode()).hexdigest()
    if mark.exists() and mark.read_text() == state:
        return python
    base = find_python(version)
    if base is None:
        return None
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run([base, "-m", "venv", place], check=True)
    install = [python, "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, "--upgrade", "pip"], check=True)
    subprocess.run([*install, *pinned, "--editable", f"{ROOT}[train,dev]"], check=True)
    mark.write_text(state)
    return python


def versions(python: Path) -> str:
    """What an environment holds, in words."""
    code = (
        "import platform; from importlib.metadata import version; print('Python', "
        "platform.python_version(), *(f'{each} {version(each)}' for each in "
        "('torch', 'torchvision', 'pillow', 'numpy')), sep=', ')"
    )
    said = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return said.stdout.strip().replace("Python, ", "Python ")


def run_row(name: str) -> tuple[bool, str]:
    """Make the environment of a row and run the tests in it."""
    start = perf_counter()
    python = make(name)
    if python is None:
        return False, f"no Python {ROWS[name][0]} on this machine"
    words = ["-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider"]
    paths = [str(ROOT / "tests" / each) for each in TESTS]
    code = subprocess.run([python, *words, *paths], cwd=ROOT, check=False).returncode
    return code == 0, f"{perf_counter() - start:.0f} s ({versions(python)})"


if __name__ == "__main__":
    run_each(__doc__, "row", [*ROWS], run_row)

"""Test in environments of their own: `make test-hosts HOSTS="timm ray"` and `make test-matrix`.

`environments.py hosts`: hosts are what crop policies are used in (`tests/hosts`), and what studies
run on (`tests/engines`). An environment is one made by `venv` that sees the packages of the Python
that runs this script (torch is not installed again) and has in front of them what `HOST.txt` asks
for. A host without `HOST.txt` needs nothing more; one with `--no-deps` in a comment is installed
without what it requires.

`environments.py versions`: the oldest, a middle and the newest versions that are promised, each
with everything that `pyproject.toml` asks for, torch and torchvision included, several gigabytes
each. A Python that is not on this machine is named and counts as a failure.

Without names all are tested. Environments are kept in `.hosts/` and made again when what they are
made of changes.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FOLDERS = (HERE, ROOT / "tests" / "engines")
"""Of tests, `test_HOST.py`."""
ENVIRONMENTS = ROOT / ".hosts"
SHARED = ("torch", "torchvision")
"""Packages that no host may replace."""

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


def list_hosts() -> list[str]:
    """The names of all hosts: those that have a test file."""
    found = (path for folder in FOLDERS for path in folder.glob("test_*.py"))
    return sorted({path.stem.removeprefix("test_") for path in found})


def state_of_host(requirements: str) -> str:
    """What an environment depends on, as a digest."""
    below = sorted(path.name for path in Path(sysconfig.get_path("purelib")).glob("*.dist-info"))
    return hashlib.sha256("\n".join([requirements, sys.executable, *below]).encode()).hexdigest()


def make_host(host: str) -> Path:
    """Make the environment of a host unless it stands, and return its Python."""
    listed = HERE / f"{host}.txt"
    requirements = listed.read_text() if listed.exists() else ""
    place = ENVIRONMENTS / host
    python, mark = place / "bin" / "python", place / "state"
    if mark.exists() and mark.read_text() == state_of_host(requirements):
        return python
    shutil.rmtree(place, ignore_errors=True)
    venv.create(place, with_pip=False)
    (own,) = place.glob("lib/python*/site-packages")
    (own / "below.pth").write_text(sysconfig.get_path("purelib") + "\n")
    fixed = place / "fixed.txt"
    fixed.write_text("".join(f"{name}=={version(name)}\n" for name in SHARED))
    if requirements:
        install = ["-m", "pip", "install", "--quiet", "--requirement", str(listed)]
        install += ["--no-deps"] if "--no-deps" in requirements else []
        subprocess.run([python, *install, "--constraint", str(fixed)], check=True)
    mark.write_text(state_of_host(requirements))
    return python


def test_host(host: str, python: Path) -> int:
    """Run the tests of a host; a skipped test is a failure, since the host is there."""
    # `tests` too: workers of hosts read the classes of the tests by name.
    paths = [str(ROOT / "src"), str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])]
    surroundings = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "TAMECROP_HOST": host,
    }
    # What hosts warn of is theirs.
    words = ["-m", "pytest", "-q", "-W", "default", "-p", "no:cacheprovider"]
    files = (folder / f"test_{host}.py" for folder in FOLDERS)
    there = [str(path) for path in files if path.exists()]
    return subprocess.run(
        [python, *words, *there], env=surroundings, cwd=ROOT, check=False
    ).returncode


def run_host(host: str) -> tuple[bool, str]:
    """Make the environment of a host and run its tests."""
    start = perf_counter()
    python = make_host(host)
    made = perf_counter()
    code = test_host(host, python)
    words = f"environment {made - start:.0f} s, tests {perf_counter() - made:.0f} s"
    return code == 0, words


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


def make_row(name: str) -> Path | None:
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
    python = make_row(name)
    if python is None:
        return False, f"no Python {ROWS[name][0]} on this machine"
    words = ["-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider"]
    paths = [str(ROOT / "tests" / each) for each in TESTS]
    code = subprocess.run([python, *words, *paths], cwd=ROOT, check=False).returncode
    return code == 0, f"{perf_counter() - start:.0f} s ({versions(python)})"


KINDS = {"hosts": (list_hosts, run_host), "versions": (lambda: [*ROWS], run_row)}
"""Of environments: the names that are known, and what tests one and says whether it passed."""


def main() -> None:
    """Test what the command line names, or all that is known, and say how each went."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kind", choices=[*KINDS])
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args()
    list_names, run = KINDS[given.kind]
    known = list_names()
    unknown = sorted({*given.names} - {*known})
    if unknown:
        parser.error(f"no {unknown[0]!r} among {given.kind}: known are {', '.join(known)}")
    lines, failed = [], []
    for name in given.names or known:
        passed, words = run(name)
        failed += [] if passed else [name]
        lines.append(f"{name}: {'passed' if passed else 'FAILED'}, {words}")
    sys.stdout.write("\n".join(lines) + "\n")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()

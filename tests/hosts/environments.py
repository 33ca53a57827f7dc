"""Test host libraries, each in an environment of its own: `make test-hosts HOSTS="timm ray"`.

Hosts are what crop policies are used in (`tests/hosts`), and what studies run on (`tests/engines`).

An environment is one made by `venv` that sees the packages of the Python that runs this script
(torch is not installed again) and has in front of them what `HOST.txt` asks for. A host without
`HOST.txt` needs nothing more; one with `--no-deps` in a comment is installed without what it
requires. Without names all hosts are tested. Environments are kept in
`.hosts/` and made again when the requirements or the packages that they lie on change.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
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


def hosts() -> list[str]:
    """The names of all hosts: those that have a test file."""
    found = (path for folder in FOLDERS for path in folder.glob("test_*.py"))
    return sorted({path.stem.removeprefix("test_") for path in found})


def state(requirements: str) -> str:
    """What an environment depends on, as a digest."""
    below = sorted(path.name for path in Path(sysconfig.get_path("purelib")).glob("*.dist-info"))
    return hashlib.sha256("\n".join([requirements, sys.executable, *below]).encode()).hexdigest()


def make(host: str) -> Path:
    """Make the environment of a host unless it stands, and return its Python."""
    listed = HERE / f"{host}.txt"
    requirements = listed.read_text() if listed.exists() else ""
    place = ENVIRONMENTS / host
    python, mark = place / "bin" / "python", place / "state"
    if mark.exists() and mark.read_text() == state(requirements):
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
    mark.write_text(state(requirements))
    return python


def test(host: str, python: Path) -> int:
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


def run_each(
    about: str, kind: str, known: list[str], run: Callable[[str], tuple[bool, str]]
) -> None:
    """Run what the command line names, or all that is known, and say how each went.

    Args:
        about: The docstring of the script.
        kind: What a name is a name of.
        known: All names.
        run: Gives for a name whether it passed, and words.
    """
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar=kind.upper(), help=f"of {', '.join(known)}")
    named = parser.parse_args().names or known
    unknown = sorted({*named} - {*known})
    if unknown:
        parser.error(f"unknown {kind} {unknown[0]!r}: known are {', '.join(known)}")
    lines, failed = [], []
    for name in named:
        passed, words = run(name)
        failed += [] if passed else [name]
        lines.append(f"{name}: {'passed' if passed else 'FAILED'}, {words}")
    sys.stdout.write("\n".join(lines) + "\n")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def run_host(host: str) -> tuple[bool, str]:
    """Make the environment of a host and run its tests."""
    start = perf_counter()
    python = make(host)
    made = perf_counter()
    code = test(host, python)
    words = f"environment {made - start:.0f} s, tests {perf_counter() - made:.0f} s"
    return code == 0, words


if __name__ == "__main__":
    run_each(__doc__, "host", hosts(), run_host)

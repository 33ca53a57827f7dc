"""Test in environments of their own: `make test-hosts HOSTS="timm ray"` and `make test-matrix`.

`environments.py hosts`: hosts are what crop policies are used in (`tests/hosts`), what studies run
on (`tests/engines`), and the browser that looks at pages (`tests/browser`). An environment is one
made by `venv` that sees the packages of the Python that runs this script (torch is not installed
again) and has in front of them what `HOST.txt` asks for. A host without `HOST.txt` needs nothing
more; one with `--no-deps` in a comment is installed without what it requires.

`environments.py versions`: the oldest, a middle and the newest versions that are promised, each
with everything that `pyproject.toml` asks for, torch and torchvision included, several gigabytes
each. A Python that is not on this machine is named and counts as a failure.

Without names all are tested. Environments are kept in `.hosts/` and made again when what they are
made of changes; `--discard` removes each behind its tests, so that the disk holds one at a time.

Nothing waits for ever: whatever takes longer than `LIMITS` is ended with all that it started, and
its environment has failed, by name; so have those that are left when `--minutes` are over. Nothing
is tried twice.
"""

import argparse
import hashlib
import math
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FOLDERS = (HERE, ROOT / "tests" / "engines", ROOT / "tests" / "browser")
"""Of tests, `test_HOST.py`."""
ENVIRONMENTS = ROOT / ".hosts"
SHARED = ("torch", "torchvision")
"""Packages that no host may replace."""

LIMITS = {"install": 15 * 60, "tests": 15 * 60, "tests of a row": 40 * 60}
"""Seconds that a step may take: several times what it takes on two slow cores."""
ONE_TEST = 240
"""Seconds after which the stacks of a test are printed, which name it; it goes on."""

PYTEST = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", f"faulthandler_timeout={ONE_TEST}"]

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


@dataclass
class Clock:
    """When the time of all environments together is over: infinite without `--minutes`."""

    ends: float = math.inf

    def run(self, words: list[Any], what: str, **settings: Any) -> int:
        """The exit status of a command.

        Raises:
            TimeoutError: when it takes longer than its limit or than is left; it is ended with all
                processes of its session.
        """
        seconds = min(LIMITS[what], self.ends - perf_counter())
        if seconds <= 0:
            raise TimeoutError("not run: the time of all is over")
        work = subprocess.Popen([*map(str, words)], start_new_session=True, **settings)
        try:
            return work.wait(seconds)
        except subprocess.TimeoutExpired as late:
            raise TimeoutError(f"{what}: not done after {seconds:.0f} s, ended") from late
        finally:
            if work.poll() is None:
                os.killpg(work.pid, signal.SIGKILL)
                work.wait()

    def install(self, python: Path, *words: Any) -> None:
        """What `pip install` does with these words.

        Raises:
            CalledProcessError: when pip fails.
            TimeoutError: as `run` has it.
        """
        whole = [python, "-m", "pip", "install", "--quiet", *words]
        code = self.run(whole, "install")
        if code:
            raise subprocess.CalledProcessError(code, ["pip", *map(str, whole[3:])])


def list_hosts() -> list[str]:
    """The names of all hosts: those that have a test file."""
    found = (path for folder in FOLDERS for path in folder.glob("test_*.py"))
    return sorted({path.stem.removeprefix("test_") for path in found})


def state_of_host(requirements: str) -> str:
    """What an environment depends on, as a digest."""
    below = sorted(path.name for path in Path(sysconfig.get_path("purelib")).glob("*.dist-info"))
    return hashlib.sha256("\n".join([requirements, sys.executable, *below]).encode()).hexdigest()


def make_host(host: str, place: Path, clock: Clock) -> Path:
    """Make the environment of a host unless it stands, and return its Python."""
    listed = HERE / f"{host}.txt"
    requirements = listed.read_text() if listed.exists() else ""
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
        words = ["--requirement", listed, "--constraint", fixed]
        clock.install(python, *words, *(["--no-deps"] if "--no-deps" in requirements else []))
    mark.write_text(state_of_host(requirements))
    return python


def test_host(host: str, python: Path, clock: Clock) -> int:
    """Run the tests of a host; what is not there is a failure, since the host is."""
    # `tests` too: workers of hosts read the classes of the tests by name.
    paths = [str(ROOT / "src"), str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])]
    surroundings = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "TAMECROP_HOST": host,
    }
    # What hosts warn of is theirs.
    words = [*PYTEST, "-W", "default"]
    there = [path for folder in FOLDERS if (path := folder / f"test_{host}.py").exists()]
    return clock.run([python, *words, *there], "tests", env=surroundings, cwd=ROOT)


def run_host(host: str, place: Path, clock: Clock) -> tuple[bool, str]:
    """Make the environment of a host and run its tests."""
    start = perf_counter()
    python = make_host(host, place, clock)
    made = perf_counter()
    code = test_host(host, python, clock)
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


def make_row(name: str, place: Path, clock: Clock) -> Path | None:
    """Make the environment of a row unless it stands, and return its Python, or None without."""
    version, pinned = ROWS[name]
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
    clock.install(python, "--upgrade", "pip")
    clock.install(python, *pinned, "--editable", f"{ROOT}[train,dev]")
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


def run_row(name: str, place: Path, clock: Clock) -> tuple[bool, str]:
    """Make the environment of a row and run the tests in it."""
    start = perf_counter()
    python = make_row(name, place, clock)
    if python is None:
        return False, f"no Python {ROWS[name][0]} on this machine"
    paths = [ROOT / "tests" / each for each in TESTS]
    code = clock.run([python, *PYTEST, "-m", "not slow", *paths], "tests of a row", cwd=ROOT)
    return code == 0, f"{perf_counter() - start:.0f} s ({versions(python)})"


KINDS = {"hosts": (list_hosts, run_host, ""), "versions": (lambda: [*ROWS], run_row, "matrix-")}
"""Of environments: the names that are known, what tests one, and how its folder begins."""


def try_one(kind: str, name: str, clock: Clock, *, discard: bool) -> tuple[bool, str]:
    """Whether the tests in an environment passed, and words on it; another's failure is its own."""
    _, run, begin = KINDS[kind]
    place = ENVIRONMENTS / f"{begin}{name}"
    try:
        return run(name, place, clock)
    except (TimeoutError, subprocess.CalledProcessError) as error:
        return False, str(error)
    finally:
        if discard:
            shutil.rmtree(place, ignore_errors=True)


def main() -> None:
    """Test what the command line names, or all that is known, and say how each went."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kind", choices=[*KINDS])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--discard", action="store_true", help="remove each behind its tests")
    parser.add_argument("--minutes", type=float, default=math.inf, help="for all together")
    given = parser.parse_args()
    known = KINDS[given.kind][0]()
    unknown = sorted({*given.names} - {*known})
    if unknown:
        parser.error(f"no {unknown[0]!r} among {given.kind}: known are {', '.join(known)}")
    clock = Clock(perf_counter() + 60 * given.minutes)
    lines, failed = [], []
    for name in given.names or known:
        sys.stdout.write(f"{name} ...\n")
        sys.stdout.flush()
        passed, words = try_one(given.kind, name, clock, discard=given.discard)
        failed += [] if passed else [name]
        lines.append(f"{name}: {'passed' if passed else 'FAILED'}, {words}")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()

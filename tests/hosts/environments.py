"""Make the environments of the host libraries, and run their tests in them.

Each `tests/hosts/NAME.txt` is one environment, `.hosts/NAME`: the packages named there, on top of
those of the environment that runs this script, which are seen through a `.pth` file (one torch on
disk serves all). A package that a host needs in another version is installed in its environment
and hides ours.

    python tests/hosts/environments.py [NAME ...]
"""

import subprocess
import sys
import sysconfig
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PLACE = ROOT / ".hosts"


def names() -> list[str]:
    return sorted(path.stem for path in HERE.glob("*.txt"))


def make(name: str) -> Path:
    """The interpreter of an environment, which is made when its file of packages is newer."""
    folder, packages = PLACE / name, HERE / f"{name}.txt"
    python, ready = folder / "bin" / "python", folder / ".ready"
    if ready.exists() and ready.read_text() == packages.read_text():
        return python
    call(sys.executable, "-m", "venv", "--clear", folder)
    (site,) = (folder / "lib").glob("python*/site-packages")
    (site / "project.pth").write_text(sysconfig.get_path("purelib") + "\n")
    call(python, "-m", "pip", "install", "--quiet", "-r", packages)
    ready.write_text(packages.read_text())
    return python


def call(*words: object) -> None:
    subprocess.run([*map(str, words)], check=True, cwd=ROOT)


if __name__ == "__main__":
    for name in sys.argv[1:] or names():
        sys.stdout.write(f"{name} {make(name)}\n")

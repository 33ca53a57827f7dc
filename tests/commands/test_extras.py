"""Without the `train` extra a command says in one line what to install."""

import subprocess
import sys

import pytest

CODE = "import sys; sys.modules[{!r}] = None; from tamecrop.cli import main; sys.exit(main({!r}))"


def run(missing: str, words: list[str]) -> subprocess.CompletedProcess[str]:
    code = CODE.format(missing, words)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("jsonargparse", ["--help"]),
        ("yaml", ["policies"]),
        ("lightly", ["pretrain", "scenes"]),
        ("matplotlib", ["show", "scenes"]),
    ],
)
def test_a_missing_extra_is_one_line_and_exit_two(missing: str, words: list[str]):
    done = run(missing, words)
    extra = "torch" if missing == "torch" else "train"
    line = f"tamecrop: error: {missing} is not installed: pip install 'tamecrop[{extra}]'\n"
    assert (done.returncode, done.stderr) == (2, line)


def test_a_missing_file_of_our_own_is_a_defect_and_no_missing_extra():
    done = run("tamecrop.cli.app", ["--help"])
    assert done.returncode == 1
    assert done.stderr.startswith(
        "tamecrop: error: ModuleNotFoundError: import of tamecrop.cli.app halted"
    )

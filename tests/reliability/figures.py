"""What a reliability test reached, merged into one JSON file.

Nothing is written unless the environment variable `TAMECROP_RECORD` names a file, so that tests
do not dirty a checkout:

    TAMECROP_RECORD=results/reliability.json python -m pytest tests/reliability
"""

import dataclasses
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from filelock import FileLock

from tamecrop.files import write_atomic
from tamecrop.reporting.environment import environment

VARIABLE = "TAMECROP_RECORD"
ROOT = Path(__file__).parents[2]
"""The checkout, to which the name of the file is relative: some tests run in other folders."""


def record(test: str, figure: str, **numbers: Any) -> None:
    """Record what a test reached; figures of other tests in the file stay.

    Args:
        test: Its number in the list of reliability tests, such as `R1`; a suffix as in `R1.torn`
            tells apart what several functions of one test reached.
        figure: One line for the table: counts and what came out.
        numbers: The same as plain values; `n`, the number of cases, is always there.
    """
    if not re.fullmatch(r"R\d+(\.[a-z_]+)?", test):
        raise ValueError(f"`test` must be a number such as R1 or R1.torn, got {test!r}")
    if "n" not in numbers:
        raise ValueError(f"`n`, the number of cases, must be given for {test}")
    if VARIABLE in os.environ:
        merge(ROOT / os.environ[VARIABLE], test, {"figure": figure, **numbers})


def merge(path: Path, test: str, entry: dict[str, Any]) -> None:
    """Put one entry into the file, under a lock: tests run in several processes."""
    lock = Path(tempfile.gettempdir()) / f"{path.name}.{os.getuid()}.lock"
    here = dataclasses.asdict(environment())
    with FileLock(lock):
        there = json.loads(path.read_text()) if path.exists() else {}
        both = {**there, test: entry, "environment": here}
        ordered = dict(sorted(both.items(), key=lambda item: order(item[0])))
        write_atomic(path, (json.dumps(ordered, indent=2, allow_nan=False) + "\n").encode())


def order(name: str) -> tuple[bool, int, str]:
    """R2 before R10, what is no test last."""
    number = re.match(r"R(\d+)", name)
    return (number is None, int(number[1]) if number else 0, name)

"""docs/cost.md is what the recorded times say."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE, RESULT = ROOT / "docs" / "cost.md", ROOT / "results" / "benchmarks" / "cost.json"
WRITE = "import json, sys; import cost; sys.stdout.write(cost.page(json.load(sys.stdin)))"


def page(stored) -> str:
    """Written by the script itself, in a process of its own: it imports its neighbors by name."""
    done = subprocess.run(
        [sys.executable, "-c", WRITE],
        input=json.dumps(stored),
        cwd=ROOT / "benchmarks",
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_page_is_what_the_results_say():
    assert PAGE.read_text() == page(json.loads(RESULT.read_text()))


def test_another_time_gives_another_page():
    stored = json.loads(RESULT.read_text())
    stored["parts"][1]["rates"][0]["per_second"] /= 2
    assert PAGE.read_text() != page(stored)

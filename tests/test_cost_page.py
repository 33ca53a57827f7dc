"""docs/cost.md and a part of docs/scaling.md are what the recorded times say."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE, RESULT = ROOT / "docs" / "cost.md", ROOT / "results" / "benchmarks" / "cost.json"
SCALING = ROOT / "docs" / "scaling.md"
SCALED = ROOT / "results" / "benchmarks" / "scaling.json"
WRITE = "import json, sys; import {0}; sys.stdout.write({0}.{1}(json.load(sys.stdin)))"


def page(stored, script: str = "cost", function: str = "page") -> str:
    """Written by the script itself, in a process of its own: it imports its neighbors by name."""
    done = subprocess.run(
        [sys.executable, "-c", WRITE.format(script, function)],
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


def test_the_model_of_scaling_is_held_against_what_was_measured():
    stored = json.loads(SCALED.read_text())
    text = SCALING.read_text()
    assert text.split("scaling.py -->\n")[1].split("<!-- end -->")[0] == page(
        stored, "scaling", "measured"
    )
    stored["parts"][0]["cases"][-1]["milliseconds"] *= 2
    assert page(stored, "scaling", "measured") not in text

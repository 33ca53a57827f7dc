"""docs/reliability.md: what is promised, the test that proves it, and the figure it reached.

The figures are those that the tests recorded; nothing here is typed but the promises. The whole of
it, on a quiet machine:

    TAMECROP_RECORD=results/reliability.json .venv/bin/python -m pytest tests/reliability
    .venv/bin/python benchmarks/reliability.py
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[1]
RESULTS, PAGE = HERE / "results" / "reliability.json", HERE / "docs" / "reliability.md"


@dataclass(frozen=True)
class Promise:
    """A row of the table.

    Args:
        number: of the test, such as `R1`.
        words: what is promised.
        proof: the file of its test, and of its negative control.
    """

    number: str
    words: str
    proof: str


def promises() -> list[Promise]:
    """All of them, in order."""
    folder = "tests/reliability"
    saving, reading = f"{folder}/test_r01_saving.py", f"{folder}/test_r04_reading.py"
    resuming = f"{folder}/test_r07_resuming.py"
    lost, studies = f"{folder}/test_r26_processes.py", f"{folder}/test_r28_studies.py"
    rows = [
        ("A kill while a checkpoint is saved loses nothing that was saved before", saving),
        ("A checkpoint is written, synced, and only then given its name", saving),
        ("A full, failing or read-only disk is one error; the old checkpoint stays", saving),
        ("A damaged checkpoint is noticed, passed over and named; a run never restarts", reading),
        ("What is saved is what is loaded; another setting is refused by its name", reading),
        ("A checkpoint of every released format loads, or says what to do", reading),
        ("A stopped run ends with the bits of one that went through", resuming),
        ("So does a killed one, and every step is in its metrics once", resuming),
        ("Every image is seen once an epoch, in one order, however often it stops", resuming),
        ("Global batches do not depend on processes or workers", f"{folder}/test_r10_order.py"),
        ("A run stops within two steps of being asked, and leaves no process", resuming),
        ("Views do not depend on workers, prefetch or batch size", f"{folder}/test_r12_views.py"),
        ("No random number is used twice", f"{folder}/test_r13_draws.py"),
        ("Nobody else's use of random generators changes a run", resuming),
        ("The same command gives the same bits", resuming),
        ("Boxes are whole, positive, and inside where promised", f"{folder}/test_r16_boxes.py"),
        ("Bad parameters are refused by name and value", f"{folder}/test_r17_refusals.py"),
        ("Boxes sit where the law says", f"{folder}/test_r18_distributions.py"),
        ("So do pairs of boxes", f"{folder}/test_r19_pairs.py"),
        ("Cuts are exact, resized cuts within one gray level", f"{folder}/test_r20_parity.py"),
        ("Damaged images are all found, and crash nothing", f"{folder}/test_r21_mutants.py"),
        ("Every mode, size and orientation, in little memory", f"{folder}/test_r22_images.py"),
        ("A folder of any shape trains or says why not", f"{folder}/test_r23_folders.py"),
        ("A number that is not finite changes no weight", f"{folder}/test_r24_not_finite.py"),
        ("Two processes train what one trains", f"{folder}/test_r25_processes.py"),
        ("A lost process, worker or parent leaves nothing running", lost),
        ("Hostile files are refused, nothing in them runs", f"{folder}/test_r27_hostile.py"),
        ("A study outlives kills; wrong use is one line and exit code 2", studies),
    ]
    workers, decoding = f"{folder}/test_r31_workers.py", f"{folder}/test_r34_fast_decoding.py"
    later = {
        31: ("A killed worker of the grid engine costs no cell and changes no bit", workers),
        33: ("What several jobs saved one continues, in parts, to the same numbers", workers),
        34: ("Views decoded at a fraction of the size are within two gray levels", decoding),
    }
    numbered = dict(enumerate(rows, 1)) | later
    return [Promise(f"R{k}", words, proof) for k, (words, proof) in numbered.items()]


ELSEWHERE = {
    "Situations that users reported come out right, or are told": (
        "tests/data/test_kind_k1_layouts.py",
        "tests/data/test_kind_k1_situations.py",
        "tests/data/test_kind_k1_tables.py",
        "tests/data/test_kind_k3_k4_memory.py",
        "tests/data/test_kind_k7_depth.py",
    ),
    "What a command needs of data is asked for before any work, and no more": (
        "tests/data/test_kind_k2_needs.py",
    ),
    "Shards and rows: cut off, broken, unequal; each sample once an epoch": (
        "tests/data/test_shards.py",
        "tests/data/test_arrow.py",
    ),
    "A worker lost on Ray or under SLURM costs no cell": ("tests/studies/test_engines.py",),
    "`explore` reads nothing but its data, and answers this machine alone": (
        "tests/browser/test_explore.py",
    ),
    "The oldest, a middle and the newest versions pass the fast selection": (
        "tests/hosts/environments.py",
    ),
}
"""What is promised and tested, and counts nothing that a figure could say."""

NOT_PROMISED = (
    "Equal bits across numbers of threads, devices, or versions of PyTorch.",
    "Equal statistics of batch norm in one process and in several on CPUs: its synchronized "
    "form refuses tensors that are not on a GPU. R25 holds batch norm fixed.",
    "The safety of a foreign `.pt` file: none is read.",
    "That a file whose bytes rot without a new length or time of change is noticed by a load; "
    "`tamecrop data check` decodes everything again.",
    "Images of formats that start another program or hold files of other formats (PostScript, "
    "icons): they are passed over.",
)


def page(figures: Mapping[str, Any]) -> str:
    """The page for the figures of a results file."""
    rows = [
        f"| {each.number} | {each.words} | [{Path(each.proof).name}](../{each.proof}) "
        f"| {reached(each.number, figures)} |"
        for each in promises()
    ]
    parts = [
        "# What is promised",
        "Every row is a test that can fail: each has a negative control, a variant broken on "
        "purpose that the test must reject. The figures are written by the tests into "
        "[results/reliability.json](../results/reliability.json), and this page from there by "
        "`benchmarks/reliability.py`, whose head has the two commands.",
        where(figures.get("environment")),
        "\n".join(["| | promise | test | reached |", "|---|---|---|---|", *rows]),
        "## Promised and tested elsewhere",
        "\n".join(f"- {words}: {_links(files)}" for words, files in ELSEWHERE.items()),
        "## What is not promised",
        "\n".join(f"- {line}" for line in NOT_PROMISED),
        "## Every part",
        "\n".join(f"- {name}: {figures[name]['figure']}" for name in figures if "." in name),
    ]
    return "\n\n".join(parts) + "\n"


def _links(files: Sequence[str]) -> str:
    return ", ".join(f"[{Path(file).name}](../{file})" for file in files)


def reached(number: str, figures: Mapping[str, Any]) -> str:
    """The figures of one test: its own, and of its parts how many there are."""
    parts = [name for name in figures if re.fullmatch(rf"{number}\.[a-z_]+", name)]
    shown = [figures[name]["figure"] for name in ([number] if number in figures else [])]
    if len(parts) <= 2:
        shown += [figures[name]["figure"] for name in parts]
    elif parts:
        cases = sum(figures[name]["n"] for name in parts)
        shown.append(f"{len(parts)} parts below, {cases:,} cases, all passed")
    return "; ".join(shown).replace("|", r"\|") or "not recorded yet"


def where(environment: Mapping[str, Any] | None) -> str:
    """On what the figures were made."""
    if environment is None:
        return "No figures are recorded yet."
    versions = environment["versions"]
    return (
        f"Made on {environment['cores']} cores of {environment['hardware']}, "
        f"torch threads: {environment['threads']}, Python {environment['python']}, "
        f"torch {versions['torch']}, commit {environment['commit']}."
    )


def main() -> None:
    figures = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    PAGE.write_text(page(figures))
    print(PAGE)


if __name__ == "__main__":
    main()

"""`tamecrop paper`: the table of arXiv:2504.19824, the controls behind it, the ordinary recipe."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import PositiveInt

from tamecrop.cli.command import Command, Work, checked_folder, say

if TYPE_CHECKING:
    from tamecrop.paper.studies import PaperStudy

_SUMMARY = "reproduce the paper's table, explain it (--study why), or try an ordinary recipe"


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:  # noqa: ARG001  one signature
    parser.add_argument("--data", type=str, default="cifar10", help="a name or a path, with labels")
    parser.add_argument("--study", type=str, default="table", help="table, why or ordinary")
    parser.add_argument("--size", type=str, default="full", help="full, or small for a processor")
    parser.add_argument("--laws", type=str, nargs="+", default=["rc", "gcc", "cgcc"])
    parser.add_argument("--scales", type=float, nargs="+", default=None, help="area fractions")
    parser.add_argument(
        "--alphas", type=str, nargs="+", default=["best"], help="best, all (published), or numbers"
    )
    parser.add_argument("--seeds", type=PositiveInt, default=1, help="how many")
    parser.add_argument("--out", type=Path, default=Path("results/paper"), help="folder")
    parser.add_argument("--list", action="store_true", help="print what is missing, train nothing")
    parser.add_argument(
        "--merge", type=Path, nargs="+", default=[], help="add cells of these folders or files"
    )
    parser.add_argument("--most", type=PositiveInt | None, default=None, help="cells in this call")
    parser.add_argument(
        "--across", action="store_true", help="mix cells of other code, settings or data knowingly"
    )


def _prepare(parsed: Namespace, effective: str) -> Work:  # noqa: ARG001  one signature
    from tamecrop.paper import studies

    study = studies.study(
        parsed.study,
        size=parsed.size,
        seeds=parsed.seeds,
        scales=parsed.scales,
        laws=parsed.laws,
        alphas=_alphas(parsed.alphas),
    )
    for folder in parsed.merge:
        if not folder.exists():
            raise ValueError(f"`merge` must name folders or files with cells, got {folder}")
    out = checked_folder(parsed.out)
    return _listing(parsed, study, out) if parsed.list else _running(parsed, study, out)


def _alphas(words: Sequence[str]) -> Any:
    """`best`, `all`, or numbers."""
    if len(words) == 1 and words[0] in ("best", "all"):
        return words[0]
    try:
        return [float(word) for word in words]
    except ValueError as error:
        raise ValueError(f"`alphas` must be best, all or numbers, got {' '.join(words)}") from error


def _listing(parsed: Namespace, study: "PaperStudy", out: Path) -> Work:
    from tamecrop.paper import cells, publishing

    def work() -> None:
        found = publishing.gather(out, parsed.merge, across=parsed.across)
        _tell(study, found)
        done = {cell.key for cell in found}
        left = [wanted for wanted in study.plan(found) if wanted.key not in done]
        say(f"{len(left)} cells are missing in {out / cells.FILE}")
        for wanted in left:
            say(f"  {wanted.key}")

    return work


def _running(parsed: Namespace, study: "PaperStudy", out: Path) -> Work:
    from rich.console import Console

    from tamecrop.cli.display import PlainDisplay
    from tamecrop.cli.training import quiet
    from tamecrop.data.sources import load
    from tamecrop.learning.stopping import StopFlag, signals_raise
    from tamecrop.paper import publishing, run
    from tamecrop.studies.cell import Watch

    quiet()
    publishing.gather(out, parsed.merge, across=parsed.across)
    job = run.Job(load(parsed.data, needs=("labels",)), out, study.plan, parsed.most, parsed.across)
    run.check(job)

    def work() -> None:
        flag = StopFlag()
        with signals_raise(flag):
            watch = Watch(PlainDisplay(Console()), flag)
            found = run.run(job, watch, recorded=_recorded)
        _tell(study, found)
        say(f"report: {publishing.publish(study, found, out)}")

    return work


def _recorded(cell: Any) -> None:
    say(
        f"{cell.key}: linear {100 * cell.linear_accuracy:.2f} %, kNN {100 * cell.knn_accuracy:.2f} "
        f"%, {cell.seconds:.0f} s and {cell.compile_seconds:.0f} s of compiling"
    )


def _tell(study: "PaperStudy", found: Any) -> None:
    for line in study.lines(found):
        say(line)


COMMAND = Command(_SUMMARY, _declare, _prepare)

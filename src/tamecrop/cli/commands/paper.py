"""`tamecrop paper`: the table of arXiv:2504.19824, the controls behind it, SimCLR's recipe."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import PositiveInt

from tamecrop.cli.command import Command, Work, check_folder, say, tell_data
from tamecrop.cli.commands.compare import check_merge, choose_jobs, declare_cells, part

if TYPE_CHECKING:
    from tamecrop.paper.pages import PaperStudy

_SUMMARY = "reproduce the paper's table, explain it (--study controls), or try SimCLR's recipe"


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:  # noqa: ARG001  one signature
    parser.add_argument(
        "data", type=str, nargs="?", default="cifar10", help="a name or a path, with labels"
    )
    parser.add_argument(
        "--study", type=str, default="table", help="table, gain, controls or simclr"
    )
    parser.add_argument(
        "--preset", type=str, default="full", help="full; medium (hours) or small for a CPU"
    )
    parser.add_argument("--policies", type=str, nargs="+", default=["rc", "gcc", "cgcc"])
    parser.add_argument("--scales", type=float, nargs="+", default=None, help="area fractions")
    parser.add_argument(
        "--alphas", type=str, nargs="+", default=["best"], help="best, all (published), or numbers"
    )
    parser.add_argument("--seeds", type=PositiveInt, default=1, help="how many")
    parser.add_argument("--out", type=Path, default=Path("results/paper"), help="folder")
    parser.add_argument("--list", action="store_true", help="print what is missing, train nothing")
    parser.add_argument("--most", type=PositiveInt | None, default=None, help="cells in this call")
    parser.add_argument(
        "--keep_weights",
        action="store_true",
        help="keep what finished cells have trained, for `evaluate RUN --probe paper`",
    )
    declare_cells(parser)


def _prepare(parsed: Namespace, effective: str) -> Work:  # noqa: ARG001  one signature
    from tamecrop.paper.pages import paper_study

    study = paper_study(
        parsed.study,
        preset=parsed.preset,
        seeds=parsed.seeds,
        scales=parsed.scales,
        policies=parsed.policies,
        alphas=_alphas(parsed.alphas),
    )
    check_merge(parsed.merge)
    shard = part(parsed.cells)
    out = check_folder(parsed.out, parsed.data)
    return _listing(parsed, study, out) if parsed.list else _running(parsed, study, out, shard)


def _alphas(words: Sequence[str]) -> Any:
    """`best`, `all`, or numbers."""
    if len(words) == 1 and words[0] in ("best", "all"):
        return words[0]
    try:
        return [float(word) for word in words]
    except ValueError as error:
        raise ValueError(f"`alphas` must be best, all or numbers, got {' '.join(words)}") from error


def _listing(parsed: Namespace, study: "PaperStudy", out: Path) -> Work:
    from tamecrop.reporting import counted
    from tamecrop.studies import store

    def work() -> None:
        found = store.gather(out, parsed.merge, across=parsed.across)
        say("\n".join(study.lines(found)))
        done = {cell.key for cell in found}
        left = [wanted.key for wanted in study.rule(found) if wanted.key not in done]
        say(f"{counted(len(left), 'cell')} missing in {out / store.FILE}")
        for key in left:
            say(f"  {key}")

    return work


def _running(
    parsed: Namespace, paper_study: "PaperStudy", out: Path, shard: tuple[int, int]
) -> Work:
    from rich.console import Console

    from tamecrop.cli.display import display
    from tamecrop.cli.training import quiet
    from tamecrop.data.sources import load
    from tamecrop.learning.watching import StopFlag, signals_raise
    from tamecrop.paper.pages import publish
    from tamecrop.studies import Study, check, run, store

    quiet()
    jobs = choose_jobs(parsed)
    dataset = load(parsed.data, needs=("labels",))
    tell_data(dataset.account, dataset.notes)
    study = Study(
        dataset,
        out,
        paper_study.rule,
        keep_weights=parsed.keep_weights,
        across=parsed.across,
        shard=shard,
        most=parsed.most,
        compared=False,
    )
    check(study, parsed.merge)
    store.gather(out, parsed.merge, across=parsed.across)

    def work() -> None:
        flag = StopFlag()
        with signals_raise(flag), display(Console()) as listener:
            summary = run(study, jobs=jobs, engine=parsed.engine, listener=listener, stop=flag)
        cells = store.read(out)
        say("\n".join(paper_study.lines(cells)))
        say(f"report: {publish(paper_study, summary, cells, out)}")

    return work


COMMAND = Command(_SUMMARY, _declare, _prepare)

"""`tamecrop recommend`: a crop policy for one's images, and why."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import PositiveInt

from tamecrop.cli.command import Command, Work, check_folder, check_policies, say, tell_data
from tamecrop.cli.commands.compare import choose_jobs, declare_engine

if TYPE_CHECKING:
    from tamecrop.audit import Contest, Race, Subject

_MOST_SIDE = 64


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:  # noqa: ARG001  one signature
    parser.add_argument("data", type=str, nargs="?", default="scenes", help="a name or a path")
    parser.add_argument(
        "--policies",
        nargs="*",
        default=[],
        help="crop policies to choose from; by default some of each kind",
    )
    parser.add_argument(
        "--current", type=str, default="rrc:scale=0.2..1", help="the crop policy in use today"
    )
    parser.add_argument(
        "--budget",
        type=str | None,
        default=None,
        help="time for a race of short trainings: 90s, 10m, 2h",
    )
    parser.add_argument(
        "--preset", type=str, default="small", help="how they train at most: quick, small"
    )
    parser.add_argument("--train", type=PositiveInt, default=5000, help="images they train on")
    parser.add_argument("--arms", type=PositiveInt, default=4, help="policies trained at most")
    declare_engine(parser)
    parser.add_argument(
        "--coverage", type=float, default=0.5, help="share of an object that a view must cover"
    )
    parser.add_argument("--reference", type=str, default="auto", help="as for `audit`")
    parser.add_argument("--seed", type=int, default=0, help="key of scenes and draws")
    parser.add_argument("--out", type=Path, default=Path("recommend"), help="folder for results")


def _prepare(parsed: Namespace, effective: str) -> Work:  # noqa: ARG001  one signature
    say(f"reading {parsed.data}")
    (current,) = check_policies([parsed.current])

    from tamecrop.audit import choose_by_boxes, find_subject, seconds
    from tamecrop.audit.prepare import Settings, prepare
    from tamecrop.audit.recommend import (
        choose_candidates,
        needs_reference,
        recommend,
        require_measure,
        shortlist,
        with_race,
    )
    from tamecrop.audit.run import run
    from tamecrop.reporting.jsonfiles import write_json

    named = check_policies(parsed.policies) if parsed.policies else ()
    if parsed.budget is not None:
        seconds(parsed.budget)
    found = find_subject(parsed.data, seed=parsed.seed)
    tell_data(found.account, found.notes)
    policies = named or check_policies(choose_candidates(boxed=found.is_boxed))
    contest = None if parsed.budget is None else _contest(parsed, found)
    settings = Settings(
        current=current,
        coverage=parsed.coverage,
        reference=choose_by_boxes(parsed.reference, found),
        seed=parsed.seed,
        placements=False,
    )
    job = prepare(found, policies, settings)
    require_measure(job)
    job = replace(job, out=check_folder(parsed.out, parsed.data), needs_reference=needs_reference)

    def work() -> None:
        audit = run(job, report=say)
        advice = recommend(audit)
        write_json(parsed.out / "recommendation.json", advice)
        rivals = shortlist(audit, most=parsed.arms)
        if contest is not None and len(rivals) > 1:
            advice = with_race(advice, _race(contest, rivals), audit, contest.budget)
            write_json(parsed.out / "recommendation.json", advice)
        say(f"rule: {advice.rule}")
        say("\n".join(advice.reasons))
        say(f"report: {parsed.out / 'report.html'}")

    return work


def _contest(parsed: Namespace, subject: "Subject") -> "Contest":
    """The data and recipe of the short trainings, checked."""
    from tamecrop.audit import Contest, seconds
    from tamecrop.data import cut_to, load
    from tamecrop.studies import recipe

    settings: Any = recipe(parsed.preset).training
    side = min(_MOST_SIDE, int(subject.images.sizes.max()))
    dataset = cut_to(load(parsed.data, seed=parsed.seed, needs=("labels",)), parsed.train)
    batch = min(settings.batch_size, max(2, len(dataset.train) // 4))
    training = replace(settings, size=side, batch_size=batch)
    out = check_folder(parsed.out / "runs")
    return Contest(
        dataset,
        training,
        seconds(parsed.budget),
        out,
        seed=parsed.seed,
        jobs=choose_jobs(parsed),
        engine=parsed.engine,
    )


def _race(contest: "Contest", policies: tuple[str, ...]) -> "Race":
    from rich.console import Console

    from tamecrop.audit import hold_race
    from tamecrop.cli.display import display
    from tamecrop.cli.training import quiet
    from tamecrop.learning.watching import StopFlag, signals_raise

    quiet()
    flag = StopFlag()
    with signals_raise(flag), display(Console()) as listener:
        return hold_race(contest, policies, listener=listener, stop=flag)


COMMAND = Command("a crop policy for your images, and why", _declare, _prepare)

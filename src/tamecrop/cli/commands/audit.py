"""`tamecrop audit`: what crop laws do to real images, without training on crops."""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import PositiveInt

from tamecrop.cli.checks import checked_folder, checked_policies
from tamecrop.cli.output import say
from tamecrop.cli.registry import Command, Work

_LAWS = ("rc:scale=0.4", "rc_pad:scale=0.4", "gcc:scale=0.4,sigma=0.2165", "cgcc:scale=0.4")


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:  # noqa: ARG001  one signature
    parser.add_argument("data", type=str, nargs="?", default="scenes", help="a name or a path")
    parser.add_argument("--policies", nargs="+", default=list(_LAWS), help="crop laws, text form")
    parser.add_argument(
        "--current", type=str, default="rrc:scale=0.2..1", help="the law in use today"
    )
    parser.add_argument(
        "--sweep",
        nargs="*",
        default=[],
        help="key=low:high:count, for every law that has the key, such as sigma=0.05:0.5:10",
    )
    parser.add_argument(
        "--coverage", type=float, default=0.5, help="share of an object that a view must cover"
    )
    parser.add_argument(
        "--reference",
        type=str,
        default="auto",
        help="auto, none, small, torchvision:NAME[@FILE], timm:NAME[@FILE] or run:FOLDER",
    )
    parser.add_argument("--images", type=PositiveInt, default=50_000, help="images audited at most")
    parser.add_argument(
        "--draws", type=PositiveInt | None, default=None, help="of each image: 16, more for few"
    )
    parser.add_argument("--seed", type=int, default=0, help="key of scenes and draws")
    parser.add_argument("--out", type=Path, default=Path("audit"), help="folder for results")


def _prepare(parsed: Namespace, effective: str) -> Work:  # noqa: ARG001  one signature
    policies = checked_policies(parsed.policies)
    (current,) = checked_policies([parsed.current])

    from tamecrop.audit.candidates import candidates
    from tamecrop.audit.plan import Plan
    from tamecrop.audit.reference.network import named
    from tamecrop.audit.reference.witnesses import choose
    from tamecrop.audit.run import run
    from tamecrop.audit.subject import subject
    from tamecrop.cli.tables import print_audit
    from tamecrop.geometry.parameters import read_sweep

    laws = candidates(policies, current, [read_sweep(text) for text in parsed.sweep])
    wanted = named(parsed.reference)
    found = subject(parsed.data, seed=parsed.seed, most=parsed.images)
    plan = Plan(
        subject=found,
        laws=laws,
        choice=choose(wanted, found),
        threshold=parsed.coverage,
        draws=parsed.draws,
        seed=parsed.seed,
        out=checked_folder(parsed.out),
    )

    def work() -> None:
        print_audit(run(plan, tell=say))
        say(f"report: {plan.out / 'report.html'}")

    return work


COMMAND = Command("what crop laws do to real images, without training", _declare, _prepare)

"""Why the paper's numbers are what they are: the controls that were never run.

Each question sets arms against one baseline with the same seeds. Policies are compared at equal
content IoU and content area where the question is about the shape of the distribution of centers;
nothing is chosen by an accuracy.
"""

import functools
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tamecrop.geometry.matching import match, match_pair, mean_area, mean_iou
from tamecrop.geometry.policy import Policy, policy
from tamecrop.paper import published
from tamecrop.paper.protocols import Preset, paper_arm
from tamecrop.paper.table import gap_words, or_missing
from tamecrop.reporting import Interval, compare_arms
from tamecrop.studies import Cell, Rule, Table, accuracies, cross, words

SCALES = (0.8, 0.4)

_SIDE = (published.SIDE, published.SIDE)
_TOP = {0.8: 1.0, 0.4: 0.6}
"""High ends of the random extents; the low ends are solved for the mean area of the fixed one."""


@dataclass(frozen=True)
class Control:
    """A policy under a protocol.

    Attributes:
        name: In words.
        policy: The crop policy.
        protocol: Name of the protocol, without its preset.
    """

    name: str
    policy: Policy
    protocol: str = "paper"


@dataclass(frozen=True)
class Question:
    """Controls against one baseline.

    Attributes:
        text: The question.
        baseline: What the others are compared with.
        others: The others.
    """

    text: str
    baseline: Control
    others: tuple[Control, ...]


@functools.cache
def questions(scale: float) -> tuple[Question, ...]:
    """The questions at one scale, with every policy solved for; the first is the study `gain`.

    Args:
        scale: one of `SCALES`.
    """
    asked = _questions(_policies(scale))
    return tuple(replace(each, text=f"Area {100 * scale:.0f} %: {each.text}") for each in asked)


def _questions(solved: dict[str, Policy]) -> tuple[Question, ...]:
    rivals = ("gcc recenter", "gcc pad", "rc_pad matched", "cgcc", "mgcc recenter")
    pad = Control("gcc pad", solved["gcc pad"])
    return (
        Question(
            "Does the published gain come back, and who else has it?",
            Control("rc", solved["rc"]),
            tuple(Control(name, solved[name]) for name in rivals),
        ),
        _under("with jitter and gray, at the same blur", "paper-jitter", solved),
        _under("without the blur", "paper-unblurred", solved),
        _under(
            "with SimCLR's colors (jitter and gray, no blur)",
            "paper-color",
            solved,
            (*_GAINING, "gcc pad", "gcc clamp"),
        ),
        Question(
            "Gaussian or uniform, at equal content IoU (and equal content area, or equal box)?",
            pad,
            _distinct(
                Control(name, solved[name]) for name in ("rc_pad matched", "rc_pad same box")
            ),
        ),
        Question(
            "Which border rule, at equal sigma?",
            pad,
            tuple(Control(f"gcc {rule}", solved[f"gcc {rule}"]) for rule in _RULES[1:]),
        ),
        _under("with views resized to 32 px", "paper-resize", solved),
        _under("with a two-layer head", "paper-head", solved),
        *(
            Question(
                f"Fixed size or random extent of the same mean area, for {name}? "
                "(resized to 32 px)",
                Control(f"{name} fixed", solved[name], "paper-resize"),
                (Control(f"{name} random", solved[f"{name} random"], "paper-resize"),),
            )
            for name in ("rc", "gcc pad")
        ),
    )


def _distinct(controls: Iterable[Control]) -> tuple[Control, ...]:
    """Controls without those whose policy is there already: both matches may be one policy."""
    return tuple({each.policy: each for each in reversed([*controls])}.values())[::-1]


_RULES = ("pad", "recenter", "clamp", "truncate", "reflect")


_GAINING = ("gcc recenter", "rc_pad matched")


def _under(
    words: str, protocol: str, solved: dict[str, Policy], names: Sequence[str] = _GAINING
) -> Question:
    """The gain over rc under a protocol with one thing changed."""
    others = tuple(Control(name, solved[name], protocol) for name in names)
    baseline = Control("rc", solved["rc"], protocol)
    return Question(f"What is left of the gain {words}?", baseline, others)


@functools.cache
def _policies(scale: float) -> dict[str, Policy]:
    best, centered = published.best("gcc", scale), published.best("cgcc", scale)
    if best is None or centered is None:
        raise ValueError(f"`scale` must be one of {SCALES}, got {scale}")
    faithful = "rounding=faithful"
    gcc = f"gcc:scale={scale!r},alpha={best.alpha!r}"
    solved = {f"gcc {rule}": policy(f"{gcc},border={rule},{faithful}") for rule in _RULES}
    iou, area = (measure(solved["gcc pad"], _SIDE) for measure in (mean_iou, mean_area))
    padded = f"rc_pad:scale={scale!r},{faithful}"
    rc = policy(f"rc:scale={scale!r},{faithful}")
    rrc = policy(f"rrc:scale={scale / 2}..{_TOP[scale]},{faithful}")
    rrc = match(rrc, area=mean_area(rc, _SIDE), size=_SIDE)
    return solved | {
        "rc": rc,
        "cgcc": published.faithful("cgcc", scale, centered.alpha),
        "mgcc recenter": published.faithful("mgcc", scale, best.alpha),
        "rc_pad matched": match_pair(padded, iou=iou, area=area, size=_SIDE).policy,
        "rc_pad same box": match(padded, iou=iou, size=_SIDE),
        "rc random": rrc,
        "gcc pad random": replace(solved["gcc pad"], extent=rrc.extent),
    }


def rule(asked: Sequence[Question], seeds: Sequence[int], preset: Preset) -> Rule:
    """Every arm of every question with every seed."""
    controls = [each for question in asked for each in (question.baseline, *question.others)]
    wanted = cross([paper_arm(each.policy, each.protocol, preset) for each in controls], seeds)
    return lambda _: wanted


def table(question: Question, cells: Sequence[Cell], preset: Preset) -> Table:
    """What the finished cells say to a question."""
    controls = (question.baseline, *question.others)
    found = {each.name: _accuracies(each, cells, preset) for each in controls}
    gaps, kept = compare_arms(found, question.baseline.name)
    first, *others = controls
    rows = [_row(first, found[first.name], "baseline", len(found[first.name]))]
    rows += [
        _row(each, found[each.name], gap_words(gaps.get(each.name)), _pairs(gaps.get(each.name)))
        for each in others
    ]
    head = ("arm", "content IoU", "content area", "linear, %", "difference (95 %)", "n")
    return Table(question.text, head, tuple(rows), words.basis_notes(kept))


def _pairs(gap: Interval | None) -> int:
    return 0 if gap is None else gap.n


def _row(control: Control, found: dict[int, float], difference: str, n: int) -> tuple[str, ...]:
    iou, area = geometry(control.policy)
    mean = statistics.fmean(found.values()) if found else None
    return (control.name, f"{iou:.3f}", f"{area:.3f}", or_missing(mean), difference, str(n))


def _accuracies(control: Control, cells: Sequence[Cell], preset: Preset) -> dict[int, float]:
    return accuracies(cells, *paper_arm(control.policy, control.protocol, preset).key)


@functools.cache
def geometry(crop: Policy) -> tuple[float, float]:
    """Mean content IoU and mean content area of a policy on the paper's images."""
    return mean_iou(crop, _SIDE), mean_area(crop, _SIDE)

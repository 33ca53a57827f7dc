"""Why the paper's numbers are what they are: the controls that were never run.

Each question sets arms against one reference arm with the same seeds. Laws are compared at equal
content IoU and content area where the question is about the law's shape; nothing is chosen by an
accuracy.
"""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tamecrop.geometry.matching import match, match_pair, mean_area, mean_iou
from tamecrop.geometry.policy import Policy, policy
from tamecrop.paper import published
from tamecrop.paper.cells import PaperCell, by_seed
from tamecrop.paper.plans import Plan, crossed
from tamecrop.paper.protocols import Size, sized
from tamecrop.reporting.intervals import Interval, paired_difference

SCALES = (0.8, 0.4)

_SIDE = (published.SIDE, published.SIDE)
_TOP = {0.8: 1.0, 0.4: 0.6}
"""High ends of the random extents; the low ends are solved for the mean area of the fixed one."""


@dataclass(frozen=True)
class Arm:
    """A law under a protocol.

    Attributes:
        name: In words.
        policy: The crop law.
        protocol: Name of the protocol, without its size.
    """

    name: str
    policy: Policy
    protocol: str = "paper"


@dataclass(frozen=True)
class Question:
    """Arms against one reference.

    Attributes:
        text: The question.
        reference: What the arms are compared with.
        arms: The others.
    """

    text: str
    reference: Arm
    arms: tuple[Arm, ...]


@dataclass(frozen=True)
class Answer:
    """One arm against its reference.

    Attributes:
        question: The question.
        arm: Name of the arm.
        reference: Name of the reference.
        policy: Text form of the arm's law.
        reference_policy: Text form of the reference's.
        protocol: Of the arm.
        reference_protocol: Of the reference.
        iou: Mean content IoU of the arm.
        reference_iou: Of the reference.
        area: Mean content area of the arm, a share of the image.
        reference_area: Of the reference.
        mean: Mean accuracy of the arm, a fraction; None while there is none.
        reference_mean: Of the reference.
        difference: Paired over seeds; None without a common seed.
    """

    question: str
    arm: str
    reference: str
    policy: str
    reference_policy: str
    protocol: str
    reference_protocol: str
    iou: float
    reference_iou: float
    area: float
    reference_area: float
    mean: float | None
    reference_mean: float | None
    difference: Interval | None


@functools.cache
def questions(scale: float) -> tuple[Question, ...]:
    """The questions at one scale, with every law solved for.

    Args:
        scale: one of `SCALES`.
    """
    laws = _laws(scale)
    rc, pad, recenter = (Arm(name, laws[name]) for name in ("rc", "gcc pad", "gcc recenter"))
    return (
        Question(
            "Does the published gain come back, and who else has it?",
            rc,
            (recenter, pad, Arm("rc_pad matched", laws["rc_pad matched"])),
        ),
        _under("with SimCLR's colors", "paper-color", laws, (*_GAINING, "gcc pad", "gcc clamp")),
        Question(
            "Gaussian or uniform, at equal content IoU (and equal content area, or equal box)?",
            pad,
            _distinct(Arm(name, laws[name]) for name in ("rc_pad matched", "rc_pad same box")),
        ),
        Question(
            "Which border rule, at equal sigma?",
            pad,
            tuple(Arm(f"gcc {rule}", laws[f"gcc {rule}"]) for rule in _RULES[1:]),
        ),
        _under("with views resized to 32 px", "paper-resize", laws),
        _under("with a two-layer head", "paper-head", laws),
        *(
            Question(
                f"Fixed size or random extent of the same mean area, for {law}? (resized to 32 px)",
                Arm(f"{law} fixed", laws[law], "paper-resize"),
                (Arm(f"{law} random", laws[f"{law} random"], "paper-resize"),),
            )
            for law in ("rc", "gcc pad")
        ),
    )


def _distinct(arms: Iterable[Arm]) -> tuple[Arm, ...]:
    """Arms without those whose law is there already: both matches may be one law."""
    return tuple({arm.policy: arm for arm in reversed([*arms])}.values())[::-1]


_RULES = ("pad", "recenter", "clamp", "truncate", "reflect")


_GAINING = ("gcc recenter", "rc_pad matched")


def _under(
    words: str, protocol: str, laws: dict[str, Policy], names: Sequence[str] = _GAINING
) -> Question:
    """The gain over rc under a protocol with one thing changed."""
    arms = (Arm(name, laws[name], protocol) for name in names)
    return Question(f"What is left of the gain {words}?", Arm("rc", laws["rc"], protocol), (*arms,))


def _laws(scale: float) -> dict[str, Policy]:
    best = published.best("gcc", scale)
    if best is None or best.alpha is None:
        raise ValueError(f"`scale` must be one of {SCALES}, got {scale}")
    faithful = "rounding=faithful"
    gcc = f"gcc:scale={scale!r},alpha={best.alpha!r}"
    laws = {f"gcc {rule}": policy(f"{gcc},border={rule},{faithful}") for rule in _RULES}
    iou, area = (measure(laws["gcc pad"], _SIDE) for measure in (mean_iou, mean_area))
    padded = f"rc_pad:scale={scale!r},{faithful}"
    rc = policy(f"rc:scale={scale!r},{faithful}")
    rrc = policy(f"rrc:scale={scale / 2}..{_TOP[scale]},{faithful}")
    rrc = match(rrc, area=mean_area(rc, _SIDE), size=_SIDE)
    return laws | {
        "rc": rc,
        "rc_pad matched": match_pair(padded, iou=iou, area=area, size=_SIDE).policy,
        "rc_pad same box": match(padded, iou=iou, size=_SIDE),
        "rc random": rrc,
        "gcc pad random": replace(laws["gcc pad"], extent=rrc.extent),
    }


def why(scales: Sequence[float], seeds: Sequence[int], size: Size) -> Plan:
    """Every arm of every question with every seed."""
    every = [question for scale in scales for question in questions(scale)]
    arms = [arm for question in every for arm in (question.reference, *question.arms)]
    wanted = crossed([(arm.policy, sized(arm.protocol, size)) for arm in arms], seeds)
    return lambda _: wanted


def answers(cells: Sequence[PaperCell], scale: float, size: Size) -> tuple[Answer, ...]:
    """What the finished cells say to the questions at one scale."""
    return tuple(
        _answer(question, arm, cells, size)
        for question in questions(scale)
        for arm in question.arms
    )


def _answer(question: Question, arm: Arm, cells: Sequence[PaperCell], size: Size) -> Answer:
    ours, theirs = (_by_seed(cells, each, size) for each in (arm, question.reference))
    there = question.reference
    return Answer(
        question=question.text,
        arm=arm.name,
        reference=there.name,
        policy=str(arm.policy),
        reference_policy=str(there.policy),
        protocol=sized(arm.protocol, size),
        reference_protocol=sized(there.protocol, size),
        iou=geometry(arm.policy)[0],
        reference_iou=geometry(there.policy)[0],
        area=geometry(arm.policy)[1],
        reference_area=geometry(there.policy)[1],
        mean=_mean(ours),
        reference_mean=_mean(theirs),
        difference=paired_difference(ours, theirs),
    )


@functools.cache
def geometry(law: Policy) -> tuple[float, float]:
    """Mean content IoU and mean content area of a law on the paper's images."""
    return mean_iou(law, _SIDE), mean_area(law, _SIDE)


def _by_seed(cells: Sequence[PaperCell], arm: Arm, size: Size) -> dict[int, float]:
    return by_seed(cells, str(arm.policy), sized(arm.protocol, size))


def _mean(by_seed: dict[int, float]) -> float | None:
    return sum(by_seed.values()) / len(by_seed) if by_seed else None

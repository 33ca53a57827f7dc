"""The paper's table: which cells it has, and ours beside the published ones."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from tamecrop.geometry import Policy, rules
from tamecrop.paper import published
from tamecrop.paper.protocols import Preset, paper_arm
from tamecrop.reporting import Interval, interval_words, percent, points, spread
from tamecrop.studies import Arm, Cell, Rule, Table, accuracies, cross

POLICIES = ("rc", "gcc", "cgcc", "mgcc", "cmgcc")
SCALES = (0.2, 0.4, 0.6, 0.8)
TOLERANCE = 0.01
"""A mean farther than this from the published one, a fraction, is flagged."""

Alphas = Literal["best", "all"] | Sequence[float]

_CENTERED = {"mgcc": "gcc", "cmgcc": "cgcc"}
"""The best alpha of these was not kept: they take that of the policy with a fixed mean."""


@dataclass(frozen=True)
class Place:
    """A place of the paper's table.

    Attributes:
        name: Name of the preset policy.
        scale: Area fraction.
        alpha: The paper's spread, None for `rc`.
    """

    name: str
    scale: float
    alpha: float | None

    @property
    def policy(self) -> Policy:
        """The policy as the paper's authors ran it."""
        return published.faithful(self.name, self.scale, self.alpha)

    def arm(self, preset: Preset) -> Arm:
        """The policy under the paper's protocol."""
        return paper_arm(self.policy, "paper", preset)

    @property
    def published(self) -> float | None:
        """The published accuracy at this alpha."""
        found = published.find(self.name, self.scale, self.alpha)
        return None if found is None else found.accuracy

    @property
    def best(self) -> float | None:
        """Of mgcc and cmgcc the best published accuracy, at an alpha that was not kept."""
        found = published.best(self.name, self.scale) if self.name in _CENTERED else None
        return None if found is None else found.accuracy


def places(
    names: Sequence[str], scales: Sequence[float], alphas: Alphas = "best"
) -> tuple[Place, ...]:
    """The places of the table that some policies, scales and alphas name.

    Args:
        names: of `POLICIES`.
        scales: area fractions in (0, 1].
        alphas: `"best"`, the best published of each policy and scale (for mgcc and cmgcc that of
            gcc and cgcc, as theirs was not kept); `"all"` published ones; or numbers.

    Raises:
        ValueError: naming an unknown policy, a scale or alpha out of range, or a scale for which
            no best alpha was published.

    >>> [place.alpha for place in places(["rc", "gcc"], [0.8])]
    [None, 2.0]
    """
    for name in names:
        rules.known("policy of the paper", name, POLICIES)
    for scale in scales:
        rules.fraction("scales", scale)
    return tuple(
        Place(name, scale, alpha)
        for scale in scales
        for name in names
        for alpha in _alphas(name, scale, alphas)
    )


def _alphas(name: str, scale: float, alphas: Alphas) -> Iterable[float | None]:
    if name == "rc":
        return [None]
    if not isinstance(alphas, str):
        for alpha in alphas:
            rules.positive("alphas", alpha)
        return alphas
    centered = _CENTERED.get(name, name)
    if alphas == "all":
        cells = [each for each in published.sweep() if (each.law, each.scale) == (centered, scale)]
        return [each.alpha for each in cells]
    best = published.best(centered, scale)
    if best is None:
        raise ValueError(
            f"`alphas` must be numbers at scale {scale:g}: no best one is published for {name} "
            "there"
        )
    return [best.alpha]


def rule(wanted: Sequence[Place], seeds: Sequence[int], preset: Preset) -> Rule:
    """Every place with every seed, under the paper's protocol."""
    cells = cross([place.arm(preset) for place in wanted], seeds)
    return lambda _: cells


def table(cells: Sequence[Cell], wanted: Sequence[Place], preset: Preset) -> Table:
    """Ours beside the published one; `!` marks more than one point apart."""
    rows = [_row(place, accuracies(cells, *place.arm(preset).key)) for place in wanted]
    return Table(
        "Linear accuracy",
        ("area", "policy", "alpha", "ours, %", "±", "n", "published, %", "difference"),
        tuple(rows),
        (*_notes(rows, wanted, preset),),
    )


def _row(place: Place, found: dict[int, float]) -> tuple[str, ...]:
    ours = statistics.fmean(found.values()) if found else None
    deviation = spread([*found.values()]) if found else None
    gap = None if ours is None or place.published is None else ours - place.published
    theirs = or_missing(place.published)
    if place.published is None and place.best is not None:
        theirs = f"best {or_missing(place.best)}"
    return (
        f"{100 * place.scale:.0f} %",
        place.name,
        "" if place.alpha is None else f"{place.alpha:g}",
        or_missing(ours),
        "" if deviation is None else percent(deviation, 2),
        str(len(found)),
        theirs,
        "" if gap is None else points(gap) + " !" * (abs(gap) > TOLERANCE),
    )


def _notes(rows: Sequence[Sequence[str]], wanted: Sequence[Place], preset: Preset) -> list[str]:
    compared = [row[-1] for row in rows if row[-1]]
    outside = sum(word.endswith("!") for word in compared)
    notes = [f"!: outside {100 * TOLERANCE:.1f} point, {outside} of {len(compared)} places."]
    if any(place.name in _CENTERED for place in wanted):
        notes.append(
            "mgcc and cmgcc: published is the best over alphas alone, and at which was not kept; a "
            "cell at one alpha has no published one to differ from."
        )
    if preset != "full":
        notes.append(
            f"These are cells of the {preset} preset (a narrow network, fewer epochs): compare "
            "their order with the paper's, not their accuracy."
        )
    return notes


def or_missing(accuracy: float | None) -> str:
    """An accuracy with two decimals, as the paper prints its own.

    >>> or_missing(0.54154), or_missing(None)
    ('54.15', 'missing')
    """
    return "missing" if accuracy is None else percent(accuracy, 2)


def gap_words(gap: Interval | None) -> str:
    """A difference with its interval; empty where there is none."""
    return "" if gap is None else interval_words(gap)

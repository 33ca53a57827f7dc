"""Which cells a study wants: the paper's table, and what all studies of this room share."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from tamecrop.geometry import rules
from tamecrop.geometry.policy import Policy
from tamecrop.paper import published
from tamecrop.paper.cells import Key, PaperCell
from tamecrop.paper.protocols import Size, sized

LAWS = ("rc", "gcc", "cgcc", "mgcc", "cmgcc")
SCALES = (0.2, 0.4, 0.6, 0.8)

Alphas = Literal["best", "all"] | Sequence[float]

_CENTERED = {"mgcc": "gcc", "cmgcc": "cgcc"}
"""The best alpha of these was not kept: they take that of the law with a fixed mean."""


@dataclass(frozen=True)
class Wanted:
    """A cell that a study asks for.

    Attributes:
        policy: The crop law.
        seed: The seed.
        protocol: Name of the protocol.
    """

    policy: Policy
    seed: int
    protocol: str

    @property
    def key(self) -> Key:
        """What its cell will be known by."""
        return Key(str(self.policy), self.seed, self.protocol)


Plan = Callable[[Sequence[PaperCell]], Sequence[Wanted]]
"""What a study wants, given the cells there are: a choice may wait for some of them."""


@dataclass(frozen=True)
class TableCell:
    """A place of the paper's table.

    Attributes:
        law: Name of the law.
        scale: Area fraction.
        alpha: The paper's spread, None for `rc`.
    """

    law: str
    scale: float
    alpha: float | None

    @property
    def policy(self) -> Policy:
        """The law as the paper's authors ran it."""
        return published.faithful(self.law, self.scale, self.alpha)


def table_cells(
    laws: Sequence[str], scales: Sequence[float], alphas: Alphas = "best"
) -> tuple[TableCell, ...]:
    """The places of the table that some laws, scales and alphas name.

    Args:
        laws: of `LAWS`.
        scales: area fractions in (0, 1].
        alphas: `"best"`, the best published of each law and scale (for mgcc and cmgcc that of
            gcc and cgcc, as theirs was not kept); `"all"` published ones; or numbers.

    Raises:
        ValueError: naming an unknown law, a scale or alpha out of range, or a scale for which no
            best alpha was published.

    >>> [cell.alpha for cell in table_cells(["rc", "gcc"], [0.8])]
    [None, 2.0]
    """
    for law in laws:
        rules.known("law of the paper", law, LAWS)
    for scale in scales:
        rules.fraction("scales", scale)
    return tuple(
        TableCell(law, scale, alpha)
        for scale in scales
        for law in laws
        for alpha in _alphas(law, scale, alphas)
    )


def _alphas(law: str, scale: float, alphas: Alphas) -> Iterable[float | None]:
    if law == "rc":
        return [None]
    if not isinstance(alphas, str):
        for alpha in alphas:
            rules.positive("alphas", alpha)
        return alphas
    centered = _CENTERED.get(law, law)
    if alphas == "all":
        cells = [each for each in published.sweep() if (each.law, each.scale) == (centered, scale)]
        return [each.alpha for each in cells]
    best = published.best(centered, scale)
    if best is None:
        raise ValueError(
            f"`alphas` must be numbers at scale {scale:g}: no best one is published for {law} there"
        )
    return [best.alpha]


def table(cells: Sequence[TableCell], seeds: Sequence[int], size: Size) -> Plan:
    """The paper's table: every place with every seed, under the faithful protocol."""
    wanted = crossed([(cell.policy, sized("paper", size)) for cell in cells], seeds)
    return lambda _: wanted


def crossed(arms: Iterable[tuple[Policy, str]], seeds: Sequence[int]) -> tuple[Wanted, ...]:
    """Every arm once with every seed, seed by seed, so that each finished seed has all arms."""
    once = tuple(dict.fromkeys(arms))
    return tuple(Wanted(policy, seed, protocol) for seed in seeds for policy, protocol in once)

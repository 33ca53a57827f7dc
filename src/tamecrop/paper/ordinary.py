"""The ordinary recipe: RandomResizedCrop against the Gaussian laws with its extent.

The spread of each rival is chosen first, by validation accuracy, on a seed that takes no part in
the comparison; then every law runs with the paired seeds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tamecrop.geometry.policy import Policy, policy
from tamecrop.paper.cells import PaperCell
from tamecrop.paper.plans import Plan, Wanted, crossed
from tamecrop.paper.protocols import Size, sized
from tamecrop.reporting.intervals import Interval, paired_difference

REFERENCE = "rrc:scale=0.2..1"
CHOICE_SEED = 1000

_EXTENT = "extent=random,scale=0.2..1"
_SIGMAS = (0.1, 0.15, 0.2165, 0.3)
_PADDINGS = (0.0625, 0.125, 0.25)

RIVALS = {
    "Gaussian, clamp": [f"cgcc:{_EXTENT},sigma={sigma}" for sigma in _SIGMAS],
    "Gaussian, truncate": [f"gcc:{_EXTENT},sigma={sigma},border=truncate" for sigma in _SIGMAS],
    "uniform, padded": [f"rc_pad:{_EXTENT},padding={padding}" for padding in _PADDINGS],
}
"""Name of a rival to the laws it is chosen from."""


@dataclass(frozen=True)
class Standing:
    """A law of the comparison.

    Attributes:
        name: In words.
        policy: Text form of the law; None while its spread is not chosen.
        mean: Mean test accuracy, a fraction; None while there is none.
        n: Number of seeds.
        difference: Paired difference to RandomResizedCrop; None for itself.
    """

    name: str
    policy: str | None
    mean: float | None
    n: int
    difference: Interval | None


def ordinary(seeds: Sequence[int], size: Size) -> Plan:
    """First the cells that choose the spreads; once they are there, the paired seeds."""
    protocol = sized("simclr", size)

    def plan(cells: Sequence[PaperCell]) -> Sequence[Wanted]:
        candidates = [policy(law) for laws in RIVALS.values() for law in laws]
        trials = crossed([(law, protocol) for law in candidates], [CHOICE_SEED])
        laws = [policy(REFERENCE), *filter(None, (chosen(cells, name, size) for name in RIVALS))]
        complete = len(laws) == 1 + len(RIVALS)
        return (*trials, *(crossed([(law, protocol) for law in laws], seeds) if complete else ()))

    return plan


def chosen(cells: Sequence[PaperCell], name: str, size: Size) -> Policy | None:
    """The law of a rival with the highest validation accuracy; None until all were tried."""
    tried = {
        cell.policy: cell.validation_accuracy
        for cell in cells
        if (cell.seed, cell.protocol) == (CHOICE_SEED, sized("simclr", size))
    }
    candidates = [policy(law) for law in RIVALS[name]]
    if any(str(law) not in tried for law in candidates):
        return None
    return max(candidates, key=lambda law: tried[str(law)])


def standings(cells: Sequence[PaperCell], seeds: Sequence[int], size: Size) -> tuple[Standing, ...]:
    """Where every law stands, the reference first."""
    laws = {"RandomResizedCrop": policy(REFERENCE)} | {
        name: chosen(cells, name, size) for name in RIVALS
    }
    accuracies = {name: _by_seed(cells, law, seeds, size) for name, law in laws.items()}
    first = next(iter(accuracies.values()))
    return tuple(
        Standing(
            name,
            None if law is None else str(law),
            sum(found.values()) / len(found) if found else None,
            len(found),
            None if found is first else paired_difference(found, first),
        )
        for (name, law), found in zip(laws.items(), accuracies.values(), strict=True)
    )


def _by_seed(
    cells: Sequence[PaperCell], law: Policy | None, seeds: Sequence[int], size: Size
) -> dict[int, float]:
    return {
        cell.seed: cell.linear_accuracy
        for cell in cells
        if (cell.policy, cell.protocol) == (str(law), sized("simclr", size)) and cell.seed in seeds
    }

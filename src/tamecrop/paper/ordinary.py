"""SimCLR's recipe: RandomResizedCrop against the Gaussian policies with its extent.

The spread of each rival is chosen first, by validation accuracy, on a seed that takes no part in
the comparison; then every policy runs with the paired seeds.
"""

import statistics
from collections.abc import Sequence

from tamecrop.geometry.policy import Policy, policy
from tamecrop.paper.protocols import Preset, paper_arm
from tamecrop.paper.table import gap_words, or_missing
from tamecrop.reporting import compare_arms
from tamecrop.studies import Cell, Rule, Table, Wanted, accuracies, cross, words

BASELINE = "rrc:scale=0.2..1"
CHOICE_SEED = 1000

_EXTENT = "extent=random,scale=0.2..1"
_SIGMAS = (0.1, 0.15, 0.2165, 0.3)
_PADDINGS = (0.0625, 0.125, 0.25)

RIVALS = {
    "Gaussian, clamp": [f"cgcc:{_EXTENT},sigma={sigma}" for sigma in _SIGMAS],
    "Gaussian, truncate": [f"gcc:{_EXTENT},sigma={sigma},border=truncate" for sigma in _SIGMAS],
    "uniform, padded": [f"rc_pad:{_EXTENT},padding={padding}" for padding in _PADDINGS],
}
"""Name of a rival to the policies it is chosen from."""


def rule(seeds: Sequence[int], preset: Preset) -> Rule:
    """First the cells that choose the spreads; once they are there, the paired seeds."""
    candidates = [policy(text) for texts in RIVALS.values() for text in texts]
    trials = cross([paper_arm(each, "simclr", preset) for each in candidates], [CHOICE_SEED])

    def wanted(cells: Sequence[Cell]) -> Sequence[Wanted]:
        rivals = [choose(cells, name, preset) for name in RIVALS]
        best = [each for each in rivals if each is not None]
        if len(best) < len(rivals):
            return trials
        arms = [paper_arm(each, "simclr", preset) for each in (policy(BASELINE), *best)]
        return (*trials, *cross(arms, seeds))

    return wanted


def choose(cells: Sequence[Cell], name: str, preset: Preset) -> Policy | None:
    """The policy of a rival with the highest validation accuracy; None until all were tried."""
    candidates = [policy(text) for text in RIVALS[name]]
    found = [
        accuracies(cells, *paper_arm(each, "simclr", preset).key, name="validation")
        for each in candidates
    ]
    if any(CHOICE_SEED not in each for each in found):
        return None
    tried = dict(zip(candidates, found, strict=True))
    return max(candidates, key=lambda each: tried[each][CHOICE_SEED])


def table(cells: Sequence[Cell], seeds: Sequence[int], preset: Preset) -> Table:
    """Where every policy stands against RandomResizedCrop, the baseline first."""
    rivals = {"RandomResizedCrop": policy(BASELINE)} | {
        name: choose(cells, name, preset) for name in RIVALS
    }
    found = {name: _accuracies(cells, each, seeds, preset) for name, each in rivals.items()}
    gaps, kept = compare_arms(found, "RandomResizedCrop")
    rows = []
    for name, each in rivals.items():
        mean = statistics.fmean(found[name].values()) if found[name] else None
        chosen = "not chosen yet" if each is None else str(each)
        rows.append(
            (name, chosen, or_missing(mean), gap_words(gaps.get(name)), str(len(found[name])))
        )
    head = ("policy", "chosen", "linear, %", "difference (95 %)", "n")
    return Table("SimCLR's recipe", head, tuple(rows), words.basis_notes(kept))


def _accuracies(
    cells: Sequence[Cell], chosen: Policy | None, seeds: Sequence[int], preset: Preset
) -> dict[int, float]:
    if chosen is None:
        return {}
    found = accuracies(cells, *paper_arm(chosen, "simclr", preset).key)
    return {seed: value for seed, value in found.items() if seed in seeds}

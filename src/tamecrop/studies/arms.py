"""What a study asks for: arms, seeds, and a rule that may ask for more when cells are done."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from tamecrop.data import Dataset, cut_to
from tamecrop.geometry import Policy, ViewPlan, plan
from tamecrop.learning import decisive, processes
from tamecrop.learning.pretrain import check_training
from tamecrop.reporting import CONFIDENCE
from tamecrop.studies import store
from tamecrop.studies.cells import Cell, Key, Provenance
from tamecrop.studies.recipes import Recipe
from tamecrop.version import NUMBERS


@dataclass(frozen=True)
class Arm:
    """A view plan under a recipe.

    Attributes:
        protocol: Name of the recipe: all cells of one name in a store have one provenance.
        plan: What the network looks at.
        recipe: How it is trained and judged.
    """

    protocol: str
    plan: ViewPlan
    recipe: Recipe

    @cached_property
    def key(self) -> tuple[str, str]:
        """What its cells have in common: text of the view plan, and protocol."""
        return str(self.plan), self.protocol


@dataclass(frozen=True)
class Wanted:
    """A cell that a study asks for.

    Attributes:
        arm: What is trained.
        seed: The seed.
    """

    arm: Arm
    seed: int

    @property
    def key(self) -> Key:
        """What its cell will be known by."""
        return Key(*self.arm.key, self.seed)


Rule = Callable[[Sequence[Cell]], Sequence[Wanted]]
"""What a study wants in all, in order, given the cells there are: a choice may wait for some."""


def nothing(_: Sequence[Cell]) -> Sequence[Wanted]:
    """The rule of who only makes cells that others ask for."""
    return ()


def silent(_: Sequence[Cell]) -> str:
    """The outlook of a rule whose cells are known beforehand."""
    return ""


def arm(text: str | Policy | ViewPlan, recipe: Recipe, protocol: str) -> Arm:
    """An arm from the text of its view plan."""
    return Arm(protocol, plan(text), recipe)


def cross(arms: Iterable[Arm], seeds: Sequence[int]) -> tuple[Wanted, ...]:
    """Every arm once with every seed, seed by seed, so that each finished seed has all arms."""
    once = {arm.key: arm for arm in arms}
    return tuple(Wanted(arm, seed) for seed in seeds for arm in once.values())


@dataclass(frozen=True, eq=False)
class Study:
    """Everything that the cells of a study need.

    Attributes:
        dataset: The whole data; a recipe may use some of its images.
        out: The folder of its store.
        rule: Which cells are wanted.
        outlook: What the rule says of what is still to come, given the cells there are; a text that
            is told and put on the page when it changes.
        keep_weights: Whether the checkpoints of a finished cell stay.
        across: Accept cells of another provenance that are in the store already.
        shard: (number from 1, how many): the part of the wanted cells that is this call's.
        most: Cells to finish in this call; None for all.
        compared: Whether the first arm is the baseline of the others.
        level: Of the critical values of intervals, see `reporting.Comparison`.
        config: The text of `config.yaml`, which repeats the command; None where there is none.
    """

    dataset: Dataset
    out: Path
    rule: Rule
    outlook: Callable[[Sequence[Cell]], str] = silent
    keep_weights: bool = True
    across: bool = False
    shard: tuple[int, int] = (1, 1)
    most: int | None = None
    compared: bool = True
    level: float = CONFIDENCE
    config: str | None = None

    @cached_property
    def fingerprint(self) -> str:
        """Content hash of the data."""
        return self.dataset.fingerprint()

    def provenance(self, recipe: Recipe) -> Provenance:
        """What decides the numbers of the cells made with a recipe."""
        settings = {**recipe.decisive(), "training": decisive(recipe.training)}
        return Provenance(NUMBERS, self.fingerprint, settings)

    def wanted(self, cells: Sequence[Cell]) -> tuple[Wanted, ...]:
        """All cells that are wanted, whoever makes them."""
        return tuple(self.rule(cells))

    def missing(self, cells: Sequence[Cell]) -> list[Wanted]:
        """Wanted cells of this call's part that are not finished, in order."""
        number, parts = self.shard
        done = {cell.key for cell in cells}
        mine = self.wanted(cells)[number - 1 :: parts]
        return [wanted for wanted in mine if wanted.key not in done]


def check(study: Study, merge: Sequence[Path] = ()) -> None:
    """Find before training what would stop a study half-way; nothing is written.

    Args:
        study: the study.
        merge: folders or files whose cells will be added to its store.

    Raises:
        ValueError: when the data has no labels, is smaller than a batch, or cannot be cut as a
            policy asks; when the store holds something else; under a launcher of several processes.
    """
    processes.require_one()
    if study.dataset.classes is None:
        raise ValueError(f"{study.dataset.name} has no labels: nothing can be compared on it")
    cells = store.read(study.out)
    arms = {each.arm.key: each.arm for each in study.wanted(cells)}.values()
    if not study.across:
        expected = {arm.protocol: study.provenance(arm.recipe) for arm in arms}
        for source in (study.out, *merge):
            store.require_same(source, store.read(source), expected)
    for arm in arms:
        dataset = select_train(study.dataset, arm.recipe)
        check_training(dataset, arm.plan, arm.recipe.training)


def select_train(dataset: Dataset, recipe: Recipe) -> Dataset:
    """The data with the images that a recipe pre-trains on as its train split."""
    cut = cut_to(dataset, recipe.images)
    if recipe.pretrained_on == "train":
        return cut
    return replace(cut, train=cut.train.joined(cut.validation))

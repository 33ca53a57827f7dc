"""Recipes: how a cell is trained and judged.

One file a recipe; each says its paper, the expected number, the cost and the command. Nothing here
imports torch, so that a command may show them.
"""

import importlib
from dataclasses import dataclass
from typing import Any, Literal

from tamecrop.geometry import rules
from tamecrop.learning.config import Pretraining

_METHODS = ("simclr", "moco", "byol", "dino", "vicreg")
_FILES = {name: name for name in ("quick", "small", "paper")}
_FILES |= {name: f"{name}_32px" for name in _METHODS}
_RECORDED = {"frozen": "frozen", "paper": "paper, validated in eval mode"}
"""What a cell records of its probe. The one of `paper` had other rules once, under its bare name:
cells of the two are told apart."""
RECIPES = (*_FILES,)
"""Names of the recipes; each has a file here."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a cell of a study, one crop policy with one seed, is trained and judged.

    Args:
        policies: the crop policies compared when none are named; the first is the baseline.
        seeds: number of seeds when not named.
        images: of train that are used, chosen by a fixed key; None for all.
        pretrained_on: `train`, or with the `validation` images too, which no probe then may choose
            by: the paper's way.
        probe: `frozen`, or `paper` as arXiv:2504.19824 did it.
        training: of the backbone.
    """

    policies: tuple[str, ...]
    seeds: int = 1
    images: int | None = None
    pretrained_on: Literal["train", "train+validation"] = "train"
    probe: Literal["frozen", "paper"] = "frozen"
    training: Pretraining

    def __post_init__(self) -> None:
        rules.count("seeds", self.seeds)
        if self.images is not None:
            rules.count("images", self.images)

    def decisive(self) -> dict[str, Any]:
        """The settings that decide the numbers of a cell, as plain values."""
        return {
            "images": self.images,
            "pretrained_on": self.pretrained_on,
            "probe": _RECORDED[self.probe],
            "training": self.training.decisive(),
        }


def recipe(name: str) -> Recipe:
    """The recipe of that name: `RECIPE` of its file.

    Raises:
        ValueError: for an unknown name, with the nearest known one.

    >>> recipe("quick").training.backbone
    'resnet7w16'
    """
    rules.known("preset", name, RECIPES)
    found: Recipe = importlib.import_module(f"tamecrop.studies.recipes.{_FILES[name]}").RECIPE
    return found


def header(name: str) -> str:
    """What a recipe's file says about itself: paper, expected number, cost, command."""
    rules.known("preset", name, RECIPES)
    module = importlib.import_module(f"tamecrop.studies.recipes.{_FILES[name]}")
    return (module.__doc__ or "").strip()

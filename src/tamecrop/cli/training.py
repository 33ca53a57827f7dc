"""What `compare`, `pretrain` and `evaluate` share: preset, settings, data."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import PositiveInt

from tamecrop.cli import plain_yaml
from tamecrop.cli.output import printable, say
from tamecrop.learning.config import Pretraining
from tamecrop.studies.config import RECIPES, Recipe, recipe

if TYPE_CHECKING:
    from tamecrop.data.images import Dataset

DEFAULT_DATA, DEFAULT_PRESET = "scenes", "quick"


@dataclass(frozen=True)
class Chosen:
    """Data and recipe after a person's changes to the preset."""

    dataset: "Dataset"
    recipe: Recipe


def named(words: Sequence[str], option: str) -> str | None:
    """The value that the words of a command give to an option, before they are parsed.

    >>> named(["scenes", "--preset", "small"], "--preset")
    'small'
    """
    for place, word in enumerate(words):
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
        if word == option and place + 1 < len(words):
            return words[place + 1]
    return None


def _default_data(words: Sequence[str]) -> str:
    """Data of the config file, if there is one: a positional argument would forget it."""
    config = named(words, "--config")
    if config is None or not Path(config).is_file():
        return DEFAULT_DATA
    stated = plain_yaml.load(Path(config).read_text()) or {}
    if not isinstance(stated, dict):
        raise TypeError(f"{config} must hold `name: value` lines, got {type(stated).__name__}")
    return str(stated.get("data", DEFAULT_DATA))


def declare(parser: ArgumentParser, words: Sequence[str]) -> Recipe:
    """Add the arguments of training to a parser, with the preset's settings as defaults."""
    name = named(words, "--preset") or DEFAULT_PRESET
    settings = recipe(name)
    parser.add_argument(
        "data", type=str, nargs="?", default=_default_data(words), help="a name or a path"
    )
    parser.add_argument("--config", action="config", help="a YAML file of these arguments")
    parser.add_argument(
        "--preset", type=str, default=name, help=f"settings to start from: {', '.join(RECIPES)}"
    )
    parser.add_argument("--data_seed", type=int, default=0, help="key of scenes and splits")
    parser.add_argument(
        "--images", type=PositiveInt | None, default=settings.images, help="train images used"
    )
    parser.add_argument("--probe", type=str, default=settings.probe, help="frozen or paper")
    parser.add_argument("--training", type=Pretraining, default=settings.training)
    return settings


def quiet() -> None:
    """Keep Lightning from announcing devices and precision."""
    for chatty in ("lightning_fabric", "pytorch_lightning"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def chosen(parsed: Namespace) -> Chosen:
    """Load the data and build the recipe; everything that can be wrong is found here.

    Raises:
        ValueError: naming the setting and its rule.
    """
    from tamecrop.data.sources import load
    from tamecrop.geometry.rules import known
    from tamecrop.learning.backbones import require_known
    from tamecrop.studies.compare import cut_to
    from tamecrop.views.photometric import photometric

    quiet()
    known("probe", parsed.probe, ("frozen", "paper"))
    training: Any = parsed.training
    if isinstance(training, Namespace):
        training = Pretraining(**vars(training))
    require_known(training.backbone)
    photometric(training.photometric)
    preset = recipe(parsed.preset)
    settings = replace(preset, images=parsed.images, probe=parsed.probe, training=training)
    dataset = load(parsed.data, seed=parsed.data_seed)
    for note in dataset.notes:
        say(printable(note))
    return Chosen(cut_to(dataset, settings.images), settings)

"""What `compare`, `pretrain` and `evaluate` share: preset, settings, data."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser, Namespace, get_loader
from jsonargparse.typing import PositiveInt

from tamecrop.cli.command import say, tell_data
from tamecrop.learning.config import Pretraining
from tamecrop.learning.watching import CHATTY
from tamecrop.studies.recipes import RECIPES, Recipe, recipe

if TYPE_CHECKING:
    from tamecrop.data.images import Dataset, Need
    from tamecrop.geometry import Policy, ViewPlan

DEFAULT_DATA = "scenes"
TAKE_MANY = ("--policies", "--merge", "--equal")
TAKE_NONE = ("--across", "--print_config")
"""Options of several values and of none, in the commands that train."""


@dataclass(frozen=True)
class Chosen:
    """Data and recipe after a person's changes to the preset; the data whole and cut to it."""

    whole: "Dataset"
    dataset: "Dataset"
    recipe: Recipe


def find_value(words: Sequence[str], option: str) -> str | None:
    """The value that the words of a command give to an option, before they are parsed.

    >>> find_value(["scenes", "--preset", "small"], "--preset")
    'small'
    """
    for place, word in enumerate(words):
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
        if word == option and place + 1 < len(words):
            return words[place + 1]
    return None


def default_preset(data: str) -> str:
    """The recipe for data when none is named: the demo's is made for its own images.

    >>> default_preset("scenes:count=100"), default_preset("photographs/")
    ('quick', 'small')
    """
    return "quick" if data.partition(":")[0] == "scenes" else "small"


def typed_data(words: Sequence[str]) -> str | None:
    """The data among the words of a command, before they are parsed: what no option takes.

    >>> typed_data(["--seeds", "3", "cifar10"]), typed_data(["--policies", "rc", "gcc"])
    ('cifar10', None)
    """
    option, taken = "", 0
    for word in words:
        if word.startswith("-"):
            option, taken = word, 0
            continue
        free = not option or "=" in option or option in TAKE_NONE
        if free or (taken and option not in TAKE_MANY):
            return word
        taken += 1
    return None


def _configured(words: Sequence[str]) -> Mapping[str, Any]:
    """What the config file says, if there is one: its data would be forgotten for a default."""
    config = find_value(words, "--config")
    if config is None or not Path(config).is_file():
        return {}
    stated = get_loader("yaml")(Path(config).read_text()) or {}
    if not isinstance(stated, dict):
        raise TypeError(f"{config} must hold `name: value` lines, got {type(stated).__name__}")
    return stated


def declare(parser: ArgumentParser, words: Sequence[str]) -> Recipe:
    """Add the arguments of training to a parser, with the preset's settings as defaults."""
    configured = _configured(words)
    data = str(typed_data(words) or configured.get("data", DEFAULT_DATA))
    name = str(find_value(words, "--preset") or configured.get("preset") or default_preset(data))
    settings = recipe(name)

    parser.add_argument("data", type=str, nargs="?", default=data, help="a name or a path")
    parser.add_argument("--config", action="config", help="a YAML file of these arguments")
    parser.add_argument(
        "--preset",
        type=str,
        default=name,
        help=f"recipe to start from, see `tamecrop recipes`: {', '.join(RECIPES)}",
    )
    parser.add_argument("--data_seed", type=int, default=0, help="key of scenes and splits")
    parser.add_argument(
        "--most_pixels", type=PositiveInt | None, default=None, help="of an image file, to read it"
    )
    parser.add_argument(
        "--images", type=PositiveInt | None, default=settings.images, help="train images used"
    )
    parser.add_argument("--probe", type=str, default=settings.probe, help="frozen or paper")
    parser.add_argument("--training", type=Pretraining, default=settings.training)
    return settings


def quiet() -> None:
    """Keep Lightning from announcing devices and precision."""
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)


def pixels_and_boxes(plans: "Sequence[Policy | ViewPlan]") -> "tuple[Need, ...]":
    """What pre-training needs of data: train pixels, and boxes where the data has them."""
    boxes = any(each.needs_boxes for each in plans)
    return ("pixels", "known_boxes") if boxes else ("pixels",)


def choose(
    parsed: Namespace, plans: "Sequence[Policy | ViewPlan]", *, needs: "Sequence[Need]"
) -> Chosen:
    """Load the data and build the recipe; everything that can be wrong is found here.

    What is wrong in words is found before the data is read, which takes minutes the first time.

    Args:
        parsed: the arguments.
        plans: of the views that are trained on.
        needs: what the command needs of the data beside what the plans do, see `sources.load`.

    Raises:
        ValueError: naming the setting and its rule.
    """
    from tamecrop.data import cut_to, load
    from tamecrop.geometry.plans import plan
    from tamecrop.geometry.rules import integer, known
    from tamecrop.learning import methods
    from tamecrop.learning.backbones import require_known
    from tamecrop.views.photometric import photometric

    quiet()
    known("probe", parsed.probe, ("frozen", "paper"))
    training: Any = parsed.training
    if isinstance(training, Namespace):
        training = Pretraining(**vars(training))
    integer("data_seed", parsed.data_seed)
    require_known(training.backbone)
    for each in plans:
        methods.require_usable(training.method, plan(each), batch_size=training.batch_size)
    colors = photometric(training.photometric)
    preset = recipe(parsed.preset)
    settings = replace(preset, images=parsed.images, probe=parsed.probe, training=training)
    wanted = (*needs, *pixels_and_boxes(plans))
    dataset = load(parsed.data, seed=parsed.data_seed, needs=wanted, most_pixels=parsed.most_pixels)
    tell_data(dataset.account, dataset.notes)
    used = cut_to(dataset, settings.images)
    dataset.normalized(training.normalize)  # refused here where the constants do not fit
    lost = colors.left_out(dataset.train.channels)
    say(
        f"recipe {parsed.preset}: {len(used.train):,} of {len(dataset.train):,} train images, "
        f"color step {training.photometric}{lost and f' {lost}'}"
    )
    if training.batch_size == 1:
        say("a batch of 1 image: with nothing to tell it from, a contrastive loss is 0")
    return Chosen(dataset, used, settings)

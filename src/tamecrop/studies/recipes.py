"""Recipes: how a cell is trained and judged, what each is expected to reach and what it costs.

A new recipe is an entry of `RECIPES`. Nothing here imports torch, so that a command may show them.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from tamecrop.geometry import rules
from tamecrop.learning.config import Pretraining

_RECORDED = {"frozen": "frozen", "paper": "paper, validated in eval mode"}
"""What a cell records of its probe. The one of `paper` had other rules once, under its bare name:
cells of the two are told apart."""


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


class Entry(NamedTuple):
    """A recipe with what is known of it, for people.

    Attributes:
        summary: One line.
        paper: Where its settings are from, and where they differ.
        expect: Accuracies that were reached, and by whom.
        cost: Time, roughly.
        command: That runs it.
        recipe: The settings.
    """

    summary: str
    paper: str
    expect: str
    cost: str
    command: str
    recipe: Recipe


_SIMCLR = Recipe(
    policies=(
        "rrc:scale=0.2..1",
        "cgcc:extent=random,scale=0.2..1,sigma=0.2165",
        "gcc:extent=random,scale=0.2..1,sigma=0.2165,border=truncate",
    ),
    training=Pretraining(
        backbone="resnet18",
        method="simclr:projector=two_layer,temperature=0.2",
        optimizer="sgd",
        learning_rate=0.24,
        weight_decay=5e-4,
        epochs=200,
        warmup_epochs=10,
        batch_size=512,
        size=32,
        photometric="simclr",
        execution="compiled",
    ),
)


_ON_A_CPU = Pretraining(
    optimizer="adam",
    learning_rate=3e-3,
    weight_decay=0.0,
    warmup_epochs=1,
    batch_size=256,
    photometric="simclr",
    save_every=2,
)


def _as_simclr(**changes: Any) -> Recipe:
    return replace(_SIMCLR, training=replace(_SIMCLR.training, **changes))


RECIPES = {
    "quick": Entry(
        summary="The demo: three crop policies on the embedded scenes, to be read in two minutes.",
        paper="none; a narrow network on small scenes, made to show what a crop policy can do.",
        expect="rc and cgcc near 66 % linear, gcc, whose boxes leave the image, near 32 %.",
        cost="about 16 s a cell on one core, 9 cells side by side: two minutes on two cores.",
        command="tamecrop compare scenes --preset quick --out demo",
        recipe=Recipe(
            policies=("rc:scale=0.8", "cgcc:scale=0.8,alpha=2", "gcc:scale=0.8,alpha=2"),
            seeds=3,
            images=2048,
            training=replace(
                _ON_A_CPU,
                backbone="resnet7w16",
                epochs=6,
                batch_size=128,
                photometric="scenes",
                save_every=3,
            ),
        ),
    ),
    "small": Entry(
        summary=(
            "Crop policies under the ordinary recipe of SimCLR on a CPU: up to 50,000 images, "
            "views of 24 px."
        ),
        paper=(
            "Chen et al. 2020, arXiv:2002.05709, without blur, at what teaches a narrow network "
            "most in a minute of CPU: a patch stem, and views of 24 px before features are judged "
            "at 32 (as Touvron et al. 2019, arXiv:1906.06423)."
        ),
        expect="rrc 71 % linear on CIFAR-10 (two seeds).",
        cost="about 18 minutes a cell on one core, two side by side on 2 quiet cores.",
        command="tamecrop compare cifar10 --preset small --seeds 3 --out small",
        recipe=Recipe(
            policies=(
                "rrc:scale=0.2..1 @24",
                "jointcrop:scale=0.2..1 @24",
                "rc_pad:extent=random,scale=0.2..1,padding=0.125 @24",
                "cgcc:extent=random,scale=0.2..1,sigma=0.2165 @24",
                "gcc:extent=random,scale=0.2..1,sigma=0.2165,border=truncate @24",
            ),
            seeds=3,
            images=50_000,
            training=replace(_ON_A_CPU, backbone="resnet7w32", epochs=36, size=32),
        ),
    ),
    "fixed": Entry(
        summary=(
            "Crops of one fixed size on 10,000 images on a CPU, cut exactly, without a resize: "
            "the paper's question in an evening."
        ),
        paper=(
            "the data and the fixed crops of arXiv:2504.19824 (28 of 32 px), with the colors of "
            "SimCLR."
        ),
        expect="53 % (rc) to 56 % (rc_pad) linear on CIFAR-10.",
        cost="about 4 minutes a cell on one core, two side by side on 2 quiet cores.",
        command="tamecrop compare cifar10 --preset fixed --seeds 3 --out fixed",
        recipe=Recipe(
            policies=(
                "rc:scale=0.8,rounding=faithful",
                "rc_pad:scale=0.8,padding=5/16,rounding=faithful",
                "gcc:scale=0.8,alpha=2,rounding=faithful",
                "cgcc:scale=0.8,alpha=2,rounding=faithful",
            ),
            seeds=3,
            images=10_000,
            training=replace(_ON_A_CPU, backbone="resnet10w16", epochs=20),
        ),
    ),
    "paper": Entry(
        summary="The protocol of arXiv:2504.19824, as its authors ran it.",
        paper=(
            '"Taming the Randomness", arXiv:2504.19824. Not theirs: the rate falls with every step '
            "(every epoch), and `--training.precision 32-true` must be asked for where there is "
            "bfloat16."
        ),
        expect="54 % (rc) to 67 % (gcc) linear at scale 0.8 on CIFAR-10.",
        cost="200 epochs of a ResNet-18; minutes on one data-center GPU, days on a CPU.",
        command="tamecrop compare cifar10 --preset paper --out paper",
        recipe=Recipe(
            policies=(
                "rc:scale=0.8,rounding=faithful",
                "gcc:scale=0.8,alpha=2,border=recenter,rounding=faithful",
                "cgcc:scale=0.8,alpha=10,rounding=faithful",
            ),
            pretrained_on="train+validation",
            probe="paper",
            training=Pretraining(
                backbone="resnet18",
                method="simclr:projector=linear,temperature=0.1",
                passes="per_view",
                optimizer="adam",
                learning_rate=0.01,
                weight_decay=0.0,
                epochs=200,
                warmup_epochs=0,
                batch_size=512,
                last="keep",
                photometric="paper",
                normalize="cifar10",
                execution="compiled",
            ),
        ),
    ),
    "simclr": Entry(
        summary=(
            "SimCLR on 32-px images, with the optimizer, rate, colors and schedule of Lightly's "
            "benchmark."
        ),
        paper=(
            "Chen et al. 2020, arXiv:2002.05709. Of Lightly's CIFAR-10 benchmark: SGD with 0.06 "
            "per 128 images, jitter of half the strength, no blur. Not of it: temperature 0.2 "
            "(0.5), areas from 0.2 (0.08), 10 epochs of warm-up (none), the mean and deviation of "
            "CIFAR-10 (of ImageNet)."
        ),
        expect=(
            "84.8 % by nearest neighbors on CIFAR-10 with rrc after 200 epochs is what Lightly "
            "reports of its settings, trained on all 50,000 train images; here 5,000 of them are "
            "kept for choices. Not run here yet."
        ),
        cost="200 epochs of a ResNet-18; minutes on one data-center GPU, days on a CPU.",
        command="tamecrop compare cifar10 --preset simclr --seeds 5 --out simclr",
        recipe=_SIMCLR,
    ),
    "moco": Entry(
        summary="MoCo v2 on 32-px images: the schedule of SimCLR here, with a queue of past views.",
        paper=(
            "Chen et al. 2020, arXiv:2003.04297, with the queue and rate of Lightly's CIFAR-10 "
            "benchmark."
        ),
        expect=(
            "84.7 % by nearest neighbors on CIFAR-10 with rrc after 200 epochs, as Lightly reports."
        ),
        cost="200 epochs of a ResNet-18, work for a GPU; days on a CPU.",
        command="tamecrop compare cifar10 --preset moco --seeds 5 --out moco",
        recipe=_as_simclr(method="moco:queue=8192"),
    ),
    "byol": Entry(
        summary="BYOL on 32-px images: the schedule of SimCLR here, no image told from another.",
        paper="Grill et al. 2020, arXiv:2006.07733, with the rate of Lightly's CIFAR-10 benchmark.",
        expect=(
            "86.8 % by nearest neighbors on CIFAR-10 with rrc after 200 epochs, as Lightly reports."
        ),
        cost="200 epochs of a ResNet-18, work for a GPU; days on a CPU.",
        command="tamecrop compare cifar10 --preset byol --seeds 5 --out byol",
        recipe=_as_simclr(method="byol"),
    ),
    "dino": Entry(
        summary="DINO on 32-px images: two views, and the schedule of SimCLR here.",
        paper="Caron et al. 2021, arXiv:2104.14294, with the rate of Lightly's CIFAR-10 benchmark.",
        expect=(
            "86.2 % by nearest neighbors on CIFAR-10 with rrc after 200 epochs, as Lightly "
            "reports; `--policies dino32` is multi-crop."
        ),
        cost="200 epochs of a ResNet-18, work for a GPU; days on a CPU.",
        command="tamecrop compare cifar10 --preset dino --seeds 5 --out dino",
        recipe=_as_simclr(method="dino"),
    ),
    "vicreg": Entry(
        summary="VICReg on 32-px images: LARS, and the schedule of SimCLR here.",
        paper=(
            "Bardes et al. 2022, arXiv:2105.04906, with the optimizer of common reimplementations."
        ),
        expect=(
            "no number of this setting is published; 82.7 % by nearest neighbors is what Lightly "
            "reports of Barlow Twins, its nearest relative."
        ),
        cost="200 epochs of a ResNet-18, work for a GPU; days on a CPU.",
        command="tamecrop compare cifar10 --preset vicreg --seeds 5 --out vicreg",
        recipe=_as_simclr(method="vicreg", optimizer="lars", learning_rate=0.3, weight_decay=1e-4),
    ),
}
"""Name to recipe: what `--preset` can name."""


def recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        ValueError: for an unknown name, with the nearest known one.

    >>> recipe("quick").training.backbone
    'resnet7w16'
    """
    rules.known("preset", name, RECIPES)
    return RECIPES[name].recipe

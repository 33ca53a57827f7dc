"""SimCLR on 32-px images as the field trains it.

Paper: Chen et al. 2020, appendix B.9, with the shorter schedule of common reimplementations.
Expect: at least 86 % linear on CIFAR-10 with rrc after 200 epochs.
Cost: 200 epochs of a ResNet-18; minutes on one data-center GPU, days on a CPU.
Command: tamecrop compare cifar10 --preset simclr --seeds 5 --out simclr
"""

from tamecrop.learning.config import Pretraining
from tamecrop.studies.config import Recipe

RECIPE = Recipe(
    policies=(
        "rrc:scale=0.2..1",
        "cgcc:extent=random,scale=0.2..1,sigma=0.2165",
        "gcc:extent=random,scale=0.2..1,sigma=0.2165,border=truncate",
    ),
    training=Pretraining(
        backbone="resnet18",
        method="simclr:projector=two_layer,temperature=0.2",
        optimizer="sgd",
        learning_rate=0.06,
        weight_decay=5e-4,
        epochs=200,
        warmup_epochs=10,
        batch_size=512,
        size=32,
        photometric="simclr",
        execution="compiled",
    ),
)

"""The protocol of arXiv:2504.19824, as its authors ran it.

Paper: "Taming the Randomness", arXiv:2504.19824. Not theirs: the rate falls with every step
    (every epoch), and `--training.precision 32-true` must be asked for where there is bfloat16.
Expect: 54 % (rc) to 67 % (gcc) linear at scale 0.8 on CIFAR-10.
Cost: 200 epochs of a ResNet-18; minutes on one data-center GPU, days on a CPU.
Command: tamecrop compare cifar10 --preset paper --out paper
"""

from tamecrop.learning.config import Pretraining
from tamecrop.studies.recipes import Recipe

RECIPE = Recipe(
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
)

"""Crop policies on 10,000 images on a CPU: small enough for an evening, large enough to differ.

Paper: the data and the fixed crops of arXiv:2504.19824 (28 of 32 px), with the colors of SimCLR.
Expect: 51 % (rc) to 56 % (rc_pad, gcc) linear on CIFAR-10, measured with views of 29 px.
Cost: about 2 minutes a cell on 2 quiet cores, at most 5.
Command: tamecrop compare cifar10 --preset small --seeds 3 --out small
"""

from tamecrop.learning.config import Pretraining
from tamecrop.studies.recipes import Recipe

RECIPE = Recipe(
    policies=(
        "rc:scale=0.8,rounding=faithful",
        "rc_pad:scale=0.8,padding=5/16,rounding=faithful",
        "gcc:scale=0.8,alpha=2,rounding=faithful",
        "cgcc:scale=0.8,alpha=2,rounding=faithful",
    ),
    seeds=3,
    images=10_000,
    training=Pretraining(
        backbone="resnet10w16",
        optimizer="adam",
        learning_rate=3e-3,
        weight_decay=0.0,
        epochs=20,
        warmup_epochs=1,
        batch_size=256,
        photometric="simclr",
        save_every=2,
    ),
)

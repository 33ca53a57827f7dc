"""DINO on 32-px images: two views, and the schedule of SimCLR here.

Paper: Caron et al. 2021, arXiv:2104.14294, with the rate of Lightly's CIFAR-10 benchmark.
Expect: 86.2 % by nearest neighbors on CIFAR-10 with rrc after 200 epochs, as Lightly
    reports; `--policies dino32` is multi-crop.
Cost: 200 epochs of a ResNet-18, work for a GPU; days on a CPU.
Command: tamecrop compare cifar10 --preset dino --seeds 5 --out dino
"""

from dataclasses import replace

from tamecrop.studies.recipes.simclr_32px import RECIPE as SIMCLR

RECIPE = replace(
    SIMCLR,
    training=replace(SIMCLR.training, method="dino", learning_rate=0.24),
)

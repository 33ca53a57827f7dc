"""BYOL on 32-px images: the schedule of SimCLR here, no image told from another.

Paper: Grill et al. 2020, arXiv:2006.07733, with the rate of Lightly's CIFAR-10 benchmark.
Expect: 86.8 % by nearest neighbors on CIFAR-10 with rrc after 200 epochs, as Lightly reports.
Cost: 200 epochs of a ResNet-18, work for a GPU; days on a CPU.
Command: tamecrop compare cifar10 --preset byol --seeds 5 --out byol
"""

from dataclasses import replace

from tamecrop.studies.recipes.simclr_32px import RECIPE as SIMCLR

RECIPE = replace(
    SIMCLR,
    training=replace(SIMCLR.training, method="byol", learning_rate=0.24),
)

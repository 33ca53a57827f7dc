"""MoCo v2 on 32-px images: the schedule of SimCLR here, with a queue of past views.

Paper: Chen et al. 2020, arXiv:2003.04297, with the queue and rate of Lightly's CIFAR-10 benchmark.
Expect: 84.7 % by nearest neighbors on CIFAR-10 with rrc after 200 epochs, as Lightly reports.
Cost: 200 epochs of a ResNet-18, work for a GPU; days on a CPU.
Command: tamecrop compare cifar10 --preset moco --seeds 5 --out moco
"""

from dataclasses import replace

from tamecrop.studies.recipes.simclr_32px import RECIPE as SIMCLR

RECIPE = replace(
    SIMCLR,
    training=replace(SIMCLR.training, method="moco:queue=8192", learning_rate=0.24),
)

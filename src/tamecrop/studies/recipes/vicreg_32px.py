"""VICReg on 32-px images: LARS, and the schedule of SimCLR here.

Paper: Bardes et al. 2022, arXiv:2105.04906, with the optimizer of common
    reimplementations.
Expect: no number of this setting is published; 82.7 % by nearest neighbors is what Lightly reports
    of Barlow Twins, its nearest relative.
Cost: 200 epochs of a ResNet-18, work for a GPU; days on a CPU.
Command: tamecrop compare cifar10 --preset vicreg --seeds 5 --out vicreg
"""

from dataclasses import replace

from tamecrop.studies.recipes.simclr_32px import RECIPE as SIMCLR

RECIPE = replace(
    SIMCLR,
    training=replace(
        SIMCLR.training, method="vicreg", optimizer="lars", learning_rate=0.3, weight_decay=1e-4
    ),
)

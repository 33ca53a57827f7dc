"""SimCLR on 32-px images, with the optimizer, rate, colors and schedule of Lightly's benchmark.

Paper: Chen et al. 2020, arXiv:2002.05709. Of Lightly's CIFAR-10 benchmark: SGD with 0.06 per 128
    images, jitter of half the strength, no blur. Not of it: temperature 0.2 (0.5), areas from 0.2
    (0.08), 10 epochs of warm-up (none), the mean and deviation of CIFAR-10 (of ImageNet).
Expect: 84.8 % by nearest neighbors on CIFAR-10 with rrc after 200 epochs is what Lightly reports of
    its settings, trained on all 50,000 train images; here 5,000 of them are kept for choices. Not
    run here yet.
Cost: 200 epochs of a ResNet-18; minutes on one data-center GPU, days on a CPU.
Command: tamecrop compare cifar10 --preset simclr --seeds 5 --out simclr
"""

from tamecrop.learning.config import Pretraining
from tamecrop.studies.recipes import Recipe

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

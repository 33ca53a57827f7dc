"""The demo: three crop policies on the embedded scenes, to be read in two minutes.

Paper: none; a narrow network on small scenes, made to show what a crop policy can do.
Expect: rc and cgcc near 66 % linear, gcc, whose boxes leave the image, near 32 %.
Cost: about 16 s a cell on one core, 9 cells side by side: two minutes on two cores.
Command: tamecrop compare scenes --preset quick --out demo
"""

from tamecrop.learning.config import Pretraining
from tamecrop.studies.recipes import Recipe

RECIPE = Recipe(
    policies=("rc:scale=0.8", "cgcc:scale=0.8,alpha=2", "gcc:scale=0.8,alpha=2"),
    seeds=3,
    images=2048,
    training=Pretraining(
        backbone="resnet7w16",
        optimizer="adam",
        learning_rate=3e-3,
        weight_decay=0.0,
        epochs=6,
        warmup_epochs=1,
        batch_size=128,
        photometric="scenes",
        save_every=3,
    ),
)

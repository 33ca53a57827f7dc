"""Contrastive pre-training, its checkpoints, and how its features are judged."""

from typing import TYPE_CHECKING

from tamecrop.on_demand import on_demand

if TYPE_CHECKING:
    from tamecrop.learning.config import Pretraining
    from tamecrop.learning.stopping import Interrupted, StopFlag
    from tamecrop.learning.trainer import Run
    from tamecrop.learning.watching import Hooks, Progress
else:
    _SOURCES = {
        "Hooks": "tamecrop.learning.watching:Hooks",
        "Interrupted": "tamecrop.learning.stopping:Interrupted",
        "Pretraining": "tamecrop.learning.config:Pretraining",
        "Progress": "tamecrop.learning.watching:Progress",
        "Run": "tamecrop.learning.trainer:Run",
        "StopFlag": "tamecrop.learning.stopping:StopFlag",
    }
    __getattr__, __dir__ = on_demand(__name__, _SOURCES)

__all__ = [
    "Hooks",
    "Interrupted",
    "Pretraining",
    "Progress",
    "Run",
    "StopFlag",
]

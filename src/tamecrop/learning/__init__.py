"""Contrastive pre-training, its checkpoints, and how its features are judged."""

from typing import TYPE_CHECKING

from tamecrop.on_demand import on_demand

if TYPE_CHECKING:
    from tamecrop.learning.backbones import backbone
    from tamecrop.learning.checkpoint import CheckpointError
    from tamecrop.learning.config import Pretraining
    from tamecrop.learning.curves import Run
    from tamecrop.learning.features import Features, Judged
    from tamecrop.learning.probe import fitted
    from tamecrop.learning.processes import settle_precision
    from tamecrop.learning.run_folder import CHECKPOINTS, decisive, identity, require_same, trained
    from tamecrop.learning.stopping import Interrupted, StopFlag, signals_raise
    from tamecrop.learning.watching import Hooks, Progress
else:
    _SOURCES = {
        "CHECKPOINTS": "tamecrop.learning.run_folder:CHECKPOINTS",
        "CheckpointError": "tamecrop.learning.checkpoint:CheckpointError",
        "Features": "tamecrop.learning.features:Features",
        "Hooks": "tamecrop.learning.watching:Hooks",
        "Interrupted": "tamecrop.learning.stopping:Interrupted",
        "Judged": "tamecrop.learning.features:Judged",
        "Pretraining": "tamecrop.learning.config:Pretraining",
        "Progress": "tamecrop.learning.watching:Progress",
        "Run": "tamecrop.learning.curves:Run",
        "StopFlag": "tamecrop.learning.stopping:StopFlag",
        "backbone": "tamecrop.learning.backbones:backbone",
        "decisive": "tamecrop.learning.run_folder:decisive",
        "fitted": "tamecrop.learning.probe:fitted",
        "identity": "tamecrop.learning.run_folder:identity",
        "require_same": "tamecrop.learning.run_folder:require_same",
        "settle_precision": "tamecrop.learning.processes:settle_precision",
        "signals_raise": "tamecrop.learning.stopping:signals_raise",
        "trained": "tamecrop.learning.run_folder:trained",
    }
    __getattr__, __dir__ = on_demand(__name__, _SOURCES)

__all__ = [
    "CHECKPOINTS",
    "CheckpointError",
    "Features",
    "Hooks",
    "Interrupted",
    "Judged",
    "Pretraining",
    "Progress",
    "Run",
    "StopFlag",
    "backbone",
    "decisive",
    "fitted",
    "identity",
    "require_same",
    "settle_precision",
    "signals_raise",
    "trained",
]

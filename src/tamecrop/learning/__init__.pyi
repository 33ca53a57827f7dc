"""Contrastive pre-training, its checkpoints, and how its features are judged."""

from tamecrop.learning.backbones import backbone as backbone
from tamecrop.learning.checkpoint import CheckpointError as CheckpointError
from tamecrop.learning.config import Pretraining as Pretraining
from tamecrop.learning.curves import Run as Run
from tamecrop.learning.features import Features as Features, Judged as Judged
from tamecrop.learning.probe import fit_best as fit_best
from tamecrop.learning.processes import (
    one_thread as one_thread,
    settle_precision as settle_precision,
)
from tamecrop.learning.run_folder import (
    CHECKPOINTS as CHECKPOINTS,
    decisive as decisive,
    identity as identity,
    open_run as open_run,
    require_same as require_same,
)
from tamecrop.learning.watching import (
    Hooks as Hooks,
    Interrupted as Interrupted,
    Progress as Progress,
    StopFlag as StopFlag,
    signals_call as signals_call,
    signals_raise as signals_raise,
)

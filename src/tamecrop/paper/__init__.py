"""The paper's table reproduced, the controls that explain it, and what predicts its numbers."""

from typing import TYPE_CHECKING

from tamecrop.on_demand import on_demand

if TYPE_CHECKING:
    from tamecrop.paper.prediction import Prediction, predict
else:
    _SOURCES = {
        "Prediction": "tamecrop.paper.prediction:Prediction",
        "predict": "tamecrop.paper.prediction:predict",
    }
    __getattr__, __dir__ = on_demand(__name__, _SOURCES)

__all__ = [
    "Prediction",
    "predict",
]

"""The paper's table reproduced, the controls that explain it, and what predicts its numbers."""

from tamecrop.paper.prediction import Prediction as Prediction, predict as predict

"""The paper's table reproduced, the controls that explain it, and what predicts its numbers."""

from tamecrop.on_demand import front

__all__, __getattr__, __dir__ = front(__name__, __file__)

"""Contrastive pre-training, its checkpoints, and how its features are judged."""

from tamecrop.on_demand import front

__all__, __getattr__, __dir__ = front(__name__, __file__)

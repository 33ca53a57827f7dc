"""Boxes and pixels in, views out."""

from tamecrop.on_demand import front

__all__, __getattr__, __dir__ = front(__name__, __file__)

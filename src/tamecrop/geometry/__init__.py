"""Crop policies and view plans: image sizes in, integer boxes out. NumPy alone."""

from tamecrop.on_demand import front

__all__, __getattr__, __dir__ = front(__name__, __file__)

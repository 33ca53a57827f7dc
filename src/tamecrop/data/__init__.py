"""Images, labels and object boxes from a name or a path, and batches of views from them."""

from tamecrop.on_demand import front

__all__, __getattr__, __dir__ = front(__name__, __file__)

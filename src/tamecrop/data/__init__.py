"""Images, labels and object boxes from a name or a path, and batches of views from them."""

from typing import TYPE_CHECKING

from tamecrop.on_demand import on_demand

if TYPE_CHECKING:
    from tamecrop.data.images import Dataset, ImageSet
    from tamecrop.data.loader import Batch, Loading, ViewLoader
    from tamecrop.data.sources import load
else:
    _SOURCES = {
        "Batch": "tamecrop.data.loader:Batch",
        "Dataset": "tamecrop.data.images:Dataset",
        "ImageSet": "tamecrop.data.images:ImageSet",
        "Loading": "tamecrop.data.loader:Loading",
        "ViewLoader": "tamecrop.data.loader:ViewLoader",
        "load": "tamecrop.data.sources:load",
    }
    __getattr__, __dir__ = on_demand(__name__, _SOURCES)

__all__ = [
    "Batch",
    "Dataset",
    "ImageSet",
    "Loading",
    "ViewLoader",
    "load",
]

"""Boxes and pixels in, views out."""

from typing import TYPE_CHECKING

from tamecrop.on_demand import on_demand

if TYPE_CHECKING:
    from tamecrop.views.adapters.lightly import SimCLRViews
    from tamecrop.views.photometric import normalize
    from tamecrop.views.transforms import Crop, Views
else:
    _SOURCES = {
        "Crop": "tamecrop.views.transforms:Crop",
        "SimCLRViews": "tamecrop.views.adapters.lightly:SimCLRViews",
        "Views": "tamecrop.views.transforms:Views",
        "normalize": "tamecrop.views.photometric:normalize",
    }
    __getattr__, __dir__ = on_demand(__name__, _SOURCES)

__all__ = [
    "Crop",
    "SimCLRViews",
    "Views",
    "normalize",
]

"""Crop policies and view plans: image sizes in, integer boxes out. NumPy alone."""

from typing import TYPE_CHECKING

from tamecrop.on_demand import on_demand

if TYPE_CHECKING:
    from tamecrop.geometry.boxes import Boxes
    from tamecrop.geometry.matching import match, match_pair
    from tamecrop.geometry.parameters import Sweep, read_sweep
    from tamecrop.geometry.plans import Group, ViewPlan, plan, read_size
    from tamecrop.geometry.policy import Policy
    from tamecrop.geometry.presets import PRESETS, Preset
else:
    _SOURCES = {
        "Boxes": "tamecrop.geometry.boxes:Boxes",
        "Group": "tamecrop.geometry.plans:Group",
        "PRESETS": "tamecrop.geometry.presets:PRESETS",
        "Policy": "tamecrop.geometry.policy:Policy",
        "Preset": "tamecrop.geometry.presets:Preset",
        "ViewPlan": "tamecrop.geometry.plans:ViewPlan",
        "match": "tamecrop.geometry.matching:match",
        "match_pair": "tamecrop.geometry.matching:match_pair",
        "plan": "tamecrop.geometry.plans:plan",
        "read_size": "tamecrop.geometry.plans:read_size",
        "Sweep": "tamecrop.geometry.parameters:Sweep",
        "read_sweep": "tamecrop.geometry.parameters:read_sweep",
    }
    __getattr__, __dir__ = on_demand(__name__, _SOURCES)

__all__ = [
    "PRESETS",
    "Boxes",
    "Group",
    "Policy",
    "Preset",
    "Sweep",
    "ViewPlan",
    "match",
    "match_pair",
    "plan",
    "read_size",
    "read_sweep",
]

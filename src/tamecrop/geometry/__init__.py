"""Crop policies and view plans: image sizes in, integer boxes out. NumPy alone."""

from typing import TYPE_CHECKING

from tamecrop.on_demand import on_demand

if TYPE_CHECKING:
    from tamecrop.geometry.borders import Content
    from tamecrop.geometry.boxes import Boxes, Floats, clip, content_iou, content_share, coverage
    from tamecrop.geometry.centers import Gaussian
    from tamecrop.geometry.draws import Draws, choose_objects
    from tamecrop.geometry.expectations import pair_law, view_law
    from tamecrop.geometry.extents import FixedArea, RandomArea
    from tamecrop.geometry.keys import Draw
    from tamecrop.geometry.matching import match, match_pair
    from tamecrop.geometry.parameters import Sweep, read_sweep
    from tamecrop.geometry.plans import Group, ViewPlan, plan, read_size, write_size
    from tamecrop.geometry.policy import Policy
    from tamecrop.geometry.presets import PRESETS, Preset
    from tamecrop.geometry.rules import Range, known, require
else:
    _SOURCES = {
        "Boxes": "tamecrop.geometry.boxes:Boxes",
        "Content": "tamecrop.geometry.borders:Content",
        "Draw": "tamecrop.geometry.keys:Draw",
        "Draws": "tamecrop.geometry.draws:Draws",
        "FixedArea": "tamecrop.geometry.extents:FixedArea",
        "Floats": "tamecrop.geometry.boxes:Floats",
        "Gaussian": "tamecrop.geometry.centers:Gaussian",
        "Group": "tamecrop.geometry.plans:Group",
        "PRESETS": "tamecrop.geometry.presets:PRESETS",
        "Policy": "tamecrop.geometry.policy:Policy",
        "Preset": "tamecrop.geometry.presets:Preset",
        "RandomArea": "tamecrop.geometry.extents:RandomArea",
        "Range": "tamecrop.geometry.rules:Range",
        "Sweep": "tamecrop.geometry.parameters:Sweep",
        "ViewPlan": "tamecrop.geometry.plans:ViewPlan",
        "choose_objects": "tamecrop.geometry.draws:choose_objects",
        "clip": "tamecrop.geometry.boxes:clip",
        "content_iou": "tamecrop.geometry.boxes:content_iou",
        "content_share": "tamecrop.geometry.boxes:content_share",
        "coverage": "tamecrop.geometry.boxes:coverage",
        "known": "tamecrop.geometry.rules:known",
        "match": "tamecrop.geometry.matching:match",
        "match_pair": "tamecrop.geometry.matching:match_pair",
        "pair_law": "tamecrop.geometry.expectations:pair_law",
        "plan": "tamecrop.geometry.plans:plan",
        "read_size": "tamecrop.geometry.plans:read_size",
        "read_sweep": "tamecrop.geometry.parameters:read_sweep",
        "require": "tamecrop.geometry.rules:require",
        "view_law": "tamecrop.geometry.expectations:view_law",
        "write_size": "tamecrop.geometry.plans:write_size",
    }
    __getattr__, __dir__ = on_demand(__name__, _SOURCES)

__all__ = [
    "PRESETS",
    "Boxes",
    "Content",
    "Draw",
    "Draws",
    "FixedArea",
    "Floats",
    "Gaussian",
    "Group",
    "Policy",
    "Preset",
    "RandomArea",
    "Range",
    "Sweep",
    "ViewPlan",
    "choose_objects",
    "clip",
    "content_iou",
    "content_share",
    "coverage",
    "known",
    "match",
    "match_pair",
    "pair_law",
    "plan",
    "read_size",
    "read_sweep",
    "require",
    "view_law",
    "write_size",
]

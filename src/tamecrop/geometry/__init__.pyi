"""Crop policies and view plans: image sizes in, integer boxes out. NumPy alone."""

from tamecrop.geometry.borders import Content as Content
from tamecrop.geometry.boxes import (
    Boxes as Boxes,
    Floats as Floats,
    are_fractions as are_fractions,
    clip as clip,
    content_iou as content_iou,
    content_share as content_share,
    coverage as coverage,
)
from tamecrop.geometry.centers import Gaussian as Gaussian
from tamecrop.geometry.draws import Draws as Draws, choose_objects as choose_objects
from tamecrop.geometry.expectations import pair_law as pair_law, view_law as view_law
from tamecrop.geometry.extents import FixedArea as FixedArea, RandomArea as RandomArea
from tamecrop.geometry.keys import Draw as Draw
from tamecrop.geometry.matching import match as match, match_pair as match_pair
from tamecrop.geometry.object_masks import (
    MaskedBoxes as MaskedBoxes,
    Masks as Masks,
    keep_masks as keep_masks,
    masks_of as masks_of,
)
from tamecrop.geometry.pairs import IouBand as IouBand
from tamecrop.geometry.parameters import Sweep as Sweep, read_sweep as read_sweep
from tamecrop.geometry.plans import (
    Group as Group,
    ViewPlan as ViewPlan,
    plan as plan,
    read_size as read_size,
    write_size as write_size,
)
from tamecrop.geometry.policy import Policy as Policy
from tamecrop.geometry.presets import PRESETS as PRESETS, Preset as Preset
from tamecrop.geometry.rules import Range as Range, known as known, require as require

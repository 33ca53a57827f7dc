"""Boxes and pixels in, views out."""

from tamecrop.views.adapters.lightly import SimCLRViews as SimCLRViews
from tamecrop.views.photometric import normalize as normalize
from tamecrop.views.transforms import Crop as Crop, Views as Views

"""What a policy is made of, one module a part: `parts.centers.Gaussian(sigma=0.2)`.

>>> from tamecrop.geometry.policy import Policy
>>> str(Policy(extents.FixedArea(0.8), centers.Gaussian(sigma=0.2), borders.Clamp()))[:34]
'crop:extent=fixed,scale=0.8,center'
"""

from tamecrop.geometry import borders, centers, extents, pairs, roundings

__all__ = ["borders", "centers", "extents", "pairs", "roundings"]

"""The standard normal and the symmetric Beta distribution, elementwise.

NumPy has neither distribution function, and `geometry` imports nothing else.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from tamecrop.geometry import elementwise as of
from tamecrop.geometry.boxes import Floats
from tamecrop.geometry.elementwise import Reals

# Wichura, "Algorithm AS 241: The percentage points of the normal distribution", 1988, PPND16.
_CENTER = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
     1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
     3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
     5.2264952788528545610e3),
)  # fmt: skip
_NEAR_TAIL = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
     3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
     2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
     1.05075007164441684324e-9),
)  # fmt: skip
_FAR_TAIL = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
     2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
     2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
     2.04426310338993978564e-15),
)  # fmt: skip
_NODES = 64


def normal_cdf(z: ArrayLike) -> Reals:
    """P(Z <= z) of a standard normal Z, accurate in the lower tail down to z = -37.

    >>> normal_cdf(np.array([-1.96, 0.0])).round(4)
    array([0.025, 0.5  ])
    """
    return 0.5 * of.erfc(z * -math.sqrt(0.5))  # type: ignore[operator]


def normal_quantile(p: Reals) -> Reals:
    """The z with P(Z <= z) = p, for p in (0, 1), to about 1e-15 relative.

    Source: Wichura, AS 241 (PPND16), 1988.

    >>> normal_quantile(np.array([0.025, 0.5])).round(2)
    array([-1.96,  0.  ])
    """
    return of.choose(abs(p - 0.5) > 0.425, _tail_quantile, _central_quantile, p)


def truncated_normal_quantile(u: Reals, low: Reals, high: Reals) -> Reals:
    """Quantile u of a standard normal between low and high.

    Where the interval holds no representable mass, the end nearer to the mean.
    """
    # P(Z <= 9) and P(Z <= 10) are both 1 in 64 bits, P(Z <= -9) and P(Z <= -10) are not both 0.
    # An interval in the upper tail is therefore mirrored into the lower one and back.
    mirror = low + high > 0
    below, above = of.where(mirror, -high, low), of.where(mirror, -low, high)
    start, stop = normal_cdf(below), normal_cdf(above)
    p = start + (stop - start) * of.where(mirror, 1 - u, u)
    possible = p > 0
    z = of.where(possible, normal_quantile(of.where(possible, p, 0.5)), above)
    z = of.clip(z, below, above)
    return of.where(mirror, -z, z)


def beta_cdf(a: float, x: Floats) -> Floats:
    """P(Beta(a, a) <= x) to 1e-8, by Gauss-Legendre after t = s^power: the pole is gone."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    power = 2 * max(1, 1 / a)

    def mass(x: Floats) -> Floats:
        end = x ** (1 / power)
        s = end[..., None] * (nodes + 1) / 2
        density = s ** (power * a - 1) * (1 - s**power) ** (a - 1)
        return np.asarray(end * (density @ weights))

    half = mass(np.array(0.5))
    lower = mass(np.minimum(x, 1 - x)) / (2 * half)
    return np.where(x <= 0.5, lower, 1 - lower)


def _central_quantile(p: Reals) -> Reals:
    q = p - 0.5
    return q * _rational(0.180625 - q * q, *_CENTER)


def _tail_quantile(p: Reals) -> Reals:
    """The z of a p below 0.075 or above 0.925."""
    r = of.sqrt(-of.log(of.minimum(p, 1 - p)))
    size = of.choose(
        r <= 5,
        lambda r: _rational(r - 1.6, *_NEAR_TAIL),
        lambda r: _rational(r - 5, *_FAR_TAIL),
        r,
    )
    return of.copysign(size, p - 0.5)


def _rational(x: Reals, above: tuple[float, ...], below: tuple[float, ...]) -> Reals:
    return _horner(x, above) / _horner(x, below)


def _horner(x: Reals, coefficients: tuple[float, ...]) -> Reals:
    total = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        total = total * x + coefficient
    return total

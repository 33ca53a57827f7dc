"""The symmetric Beta(a, a) law: draws and distribution function."""

import math

import numpy as np

from tamecrop.geometry.axis import Stream
from tamecrop.geometry.boxes import Floats
from tamecrop.geometry.draws import Draws

_NODES = 64


def draw(a: float, draws: Draws, stream: Stream) -> Floats:
    """Beta(a, a): Ulrich's formula above 1/2 (1984), Joehnk's rejection up to it (1964)."""
    u, v = draws(stream.edge), draws(stream.other)
    if a > 0.5:
        return 0.5 + 0.5 * np.sqrt(1 - u ** (1 / (a - 0.5))) * np.cos(2 * math.pi * v)
    every, x = draws.flat(), np.empty(u.size)
    pending, attempt = np.arange(u.size), 0
    while pending.size:
        tried = every[pending]
        log_u, log_v = (
            np.log(tried(draw, attempt=attempt)) / a for draw in (stream.edge, stream.other)
        )
        accepted = np.logaddexp(log_u, log_v) <= 0
        x[pending[accepted]] = 1 / (1 + np.exp(np.minimum(log_v - log_u, 700))[accepted])
        pending, attempt = pending[~accepted], attempt + 1
    return x.reshape(u.shape)


def cdf(a: float, x: Floats) -> Floats:
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

"""R17: 40 bad parameters are refused when a law is made, by name and value.

What no text can say, a parameter of the wrong type or infinite, is said here with the parts
themselves; `tests/laws/test_refusals.py` does the same with 40 texts.
"""

import math

import numpy as np
import pytest

import tamecrop as tc
from tamecrop.geometry.centers import Beta, Gaussian, PaddedUniform
from tamecrop.geometry.extents import FixedArea, JointAreas, RandomArea
from tamecrop.geometry.pairs import IouBand

NAN, INF = math.nan, math.inf
BAD = [
    (FixedArea, "scale", NAN),
    (FixedArea, "scale", INF),
    (FixedArea, "scale", -0.5),
    (FixedArea, "scale", 0),
    (FixedArea, "scale", 1.0001),
    (FixedArea, "scale", "0.4"),
    (FixedArea, "scale", None),
    (FixedArea, "scale", True),
    (FixedArea, "scale", (0.2, 0.5)),
    (RandomArea, "scale", (NAN, 1.0)),
    (RandomArea, "scale", (0.2, INF)),
    (RandomArea, "scale", (0.9, 0.2)),
    (RandomArea, "scale", (0.0, 1.0)),
    (RandomArea, "scale", 0.4),
    (RandomArea, "scale", (0.2, 0.5, 1.0)),
    (RandomArea, "ratio", (2.0, 0.5)),
    (RandomArea, "ratio", (-1.0, 1.0)),
    (RandomArea, "ratio", (0.0, 1.0)),
    (RandomArea, "ratio", ("3/4", "4/3")),
    (JointAreas, "scale", (0.5, 0.5)),
    (JointAreas, "scale", (0.9, 0.2)),
    (PaddedUniform, "padding", 0),
    (PaddedUniform, "padding", NAN),
    (PaddedUniform, "padding", -0.25),
    (Gaussian, "sigma", 0.0),
    (Gaussian, "sigma", -1),
    (Gaussian, "sigma", NAN),
    (Gaussian, "sigma", "wide"),
    (Gaussian, "alpha", INF),
    (Gaussian, "alpha", -2.0),
    (Gaussian, "mean", (0.75, 0.25)),
    (Gaussian, "mean", (-0.1, 0.5)),
    (Gaussian, "mean", "middle"),
    (Beta, "a", 0),
    (Beta, "a", NAN),
    (Beta, "box", (0.9, 0.1)),
    (IouBand, "iou", (0.5, 0.2)),
    (IouBand, "iou", (0.2, 1.5)),
    (IouBand, "tries", 0),
    (IouBand, "tries", 2.5),
]
ELSE = {Gaussian: {"sigma": 0.2}}


def made(part, name, value):
    others = {key: given for key, given in ELSE.get(part, {}).items() if name not in ("alpha",)}
    return part(**{**others, name: value})


def complaint(part, name, value):
    """What is said of a parameter; None when it is accepted."""
    try:
        made(part, name, value)
    except ValueError as error:
        return str(error)
    return None


def test_forty_bad_parameters_are_refused_by_name_and_value(record):
    refused = 0
    for part, name, value in BAD:
        said = complaint(part, name, value)
        assert said is not None, f"{part.__name__} took {name}={value!r}"
        assert f"`{name}`" in said
        assert repr(value) in said
        refused += 1
    assert refused == 40
    record("R17", f"{refused}/40 refused by name and value", n=40, refused=refused)


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [(FixedArea, "scale", 1), (Gaussian, "mean", (0.25, 0.25)), (IouBand, "iou", (0.0, 0.0))],
)
def test_good_parameters_at_the_end_of_their_range_are_taken(part, name, value):
    assert complaint(part, name, value) is None


@pytest.mark.parametrize("size", [(0, 32), (32, 0), (-1, 5), (NAN, 3.0)])
def test_an_empty_image_is_refused_by_every_law(size):
    for name in tc.presets:
        with pytest.raises(ValueError, match="`sizes` must be"):
            tc.policy(name).draw(np.array(size))

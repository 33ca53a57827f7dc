"""Laws at equal IoU or area: what is solved comes out of draws, and what cannot be is said."""

import numpy as np
import pytest

import tamecrop as tc
from tamecrop.geometry import parameters
from tamecrop.geometry.matching import match, match_pair, mean_area, mean_iou
from tamecrop.geometry.search import search

N = 100_000
SIZE = (32, 32)


def drawn(law, size=SIZE):
    """Mean IoU and mean area of the contents, from draws that the solver never made."""
    content = tc.boxes.clip(law.draw(size, seed=17, epoch=3, index=np.arange(N)), size)
    iou = tc.boxes.iou(content[:, 0], content[:, 1]).mean()
    return {"iou": iou, "area": tc.boxes.area(content).mean() / np.prod(size)}


LAWS = [
    ("gcc:scale=0.4", None, {"iou": 0.45}),
    ("gcc:scale=0.4,alpha=2,border=recenter,rounding=faithful", None, {"iou": 0.3}),
    ("gcc:scale=0.6", None, {"area": 0.4}),
    ("cgcc:scale=0.4", None, {"iou": 0.5}),
    ("mgcc:scale=0.4", None, {"iou": 0.4}),
    ("gcc:scale=0.4,border=truncate", None, {"iou": 0.6}),
    ("rc_pad:scale=0.4", None, {"iou": 0.3}),
    ("rc_pad:scale=0.8", None, {"area": 0.5}),
    ("rrc", None, {"iou": 0.45}),
    pytest.param("rrc", None, {"area": 0.7}, marks=pytest.mark.slow),
    ("simccrop", "a", {"iou": 0.5}),
    ("jointcrop", None, {"area": 0.6}),
    pytest.param("gcc:scale=0.4,pair=iou,iou=0.2..0.6", None, {"iou": 0.4}, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("law", "name", "target"), LAWS)
def test_draws_reach_the_target(law, name, target):
    solved = match(law, name, size=SIZE, **target)
    ((key, value),) = target.items()
    assert drawn(solved)[key] == pytest.approx(value, abs=0.004)
    assert tc.policy(str(solved)) == solved


@pytest.mark.parametrize(("law", "name", "target"), LAWS[:8])
def test_the_closed_form_reaches_it_to_a_thousandth(law, name, target):
    solved = match(law, name, size=SIZE, **target)
    ((key, value),) = target.items()
    found = {"iou": mean_iou, "area": mean_area}[key](solved, SIZE)
    assert found == pytest.approx(value, abs=1e-3)


def test_another_value_does_not():
    solved = match("gcc:scale=0.4", iou=0.45)
    other = parameters.with_value(solved, "sigma", 1.05 * parameters.read_value(solved, "sigma"))
    assert abs(drawn(other)["iou"] - 0.45) > 0.004


def test_the_answer_depends_on_the_size_by_alpha_and_not_by_sigma():
    small, large = (match("gcc:scale=0.25,alpha=1", iou=0.4, size=(s, s)) for s in (16, 32))
    assert large.center.alpha == pytest.approx(2 * small.center.alpha, rel=0.05)
    small, large = (match("gcc:scale=0.25", iou=0.4, size=(s, s)) for s in (16, 32))
    assert large.center.sigma == pytest.approx(small.center.sigma, rel=0.05)


@pytest.mark.parametrize(("name", "rival"), [("sigma", "alpha"), ("alpha", "sigma")])
def test_either_spread_can_be_asked_for(name, rival):
    solved = match(f"gcc:scale=0.4,{rival}=0.7", name, iou=0.45)
    assert getattr(solved.center, rival) is None
    assert mean_iou(solved, SIZE) == pytest.approx(0.45, abs=1e-3)


UNREACHABLE = [
    ("cgcc:scale=0.8", None, {"iou": 0.1}, r"`sigma` in 0.001..10 reaches iou 0.1: reachable is 0"),
    ("rc_pad:scale=0.4", None, {"iou": 0.9}, r"`padding` in 0.001..10 reaches iou 0.9: reach"),
    ("gcc:scale=0.2", None, {"area": 0.5}, r"reaches area 0.5: reachable is .* to 0.1914"),
    ("cgcc:scale=0.2", None, {"area": 0.5}, r"moves area: it is always 0.1914, not 0.5"),
]


@pytest.mark.parametrize(("law", "name", "target", "message"), UNREACHABLE)
def test_what_cannot_be_reached_is_named_with_what_can(law, name, target, message):
    with pytest.raises(ValueError, match=message):
        match(law, name, **target)


def test_a_reachable_end_is_reached():
    assert mean_iou(match("gcc:scale=0.4", iou=1.0), SIZE) == pytest.approx(1, abs=1e-3)


def test_between_two_box_sides_both_are_named():
    with pytest.raises(ValueError, match=r"in steps, the nearest of which are (\S+) \(scale=.*and"):
        match("rc", iou=0.5, size=(8, 8))
    six = mean_iou(tc.policy("rc:scale=0.5625"), (8, 8))
    assert match("rc", iou=six, size=(8, 8)).extent.sides(8, 8, tc.policy("rc").rounding) == (6, 6)


def test_a_step_stands_for_its_whole_width():
    law = tc.policy("rc:rounding=faithful")
    sides = [
        law.extent.__class__(s).sides(30, 45, law.rounding)
        for s in parameters.find_scales(law, (30, 45))
    ]
    by_hand = {
        law.extent.__class__(s).sides(30, 45, law.rounding) for s in np.linspace(1 / 900, 1, 20_000)
    }
    assert len(set(sides)) == len(sides)
    assert set(sides) >= by_hand


@pytest.mark.parametrize("name", ["padding", "sigma"])
def test_two_targets_at_once(name):
    law = {"padding": "rc_pad", "sigma": "gcc"}[name]
    found = match_pair(law, ("scale", name), iou=0.43, area=0.5, size=(16, 16))
    came = drawn(found.policy, (16, 16))
    assert came["iou"] == pytest.approx(0.43, abs=0.004)
    assert came["area"] == pytest.approx(found.area, abs=0.004)
    assert found.gaps == pytest.approx((found.iou - 0.43, found.area - 0.5))
    one_pixel = 2 / 16
    assert abs(found.gaps.area) < one_pixel


def test_no_other_box_side_is_nearer():
    found = match_pair("rc_pad", iou=0.43, area=0.4, size=(12, 12))
    gaps = []
    for scale in parameters.find_scales(tc.policy("rc_pad"), (12, 12)):
        try:
            solved = match(f"rc_pad:scale={scale!r}", iou=0.43, size=(12, 12))
        except ValueError:
            continue
        gaps.append(abs(mean_area(solved, (12, 12)) - 0.4))
    assert len(gaps) > 3
    assert abs(found.gaps.area) == pytest.approx(min(gaps), abs=1e-9)


def test_two_targets_that_no_side_reaches():
    with pytest.raises(ValueError, match="no box side reaches iou"):
        match_pair("cgcc", ("scale", "sigma"), iou=0.005, area=0.5, size=(6, 6))


BAD = [
    ({"iou": 0.3, "area": 0.3}, None, "exactly one of `iou` and `area`"),
    ({}, None, "exactly one of `iou` and `area`"),
    ({"iou": 1.5}, None, "`iou` must satisfy 0 <= iou <= 1, got 1.5"),
    ({"iou": float("nan")}, None, "`iou` must satisfy"),
    ({"area": -0.1}, None, "`area` must satisfy"),
    ({"iou": 0.3}, "padding", "`padding` has no meaning in gcc"),
    ({"iou": 0.3}, "sigm", "unknown parameter 'sigm': did you mean 'sigma'"),
    ({"iou": 0.3}, "mean", "unknown parameter 'mean'"),
]


@pytest.mark.parametrize(("target", "name", "message"), BAD)
def test_wrong_use_is_named(target, name, message):
    with pytest.raises(ValueError, match=message):
        match("gcc", name, **target)


def test_two_targets_need_steps():
    with pytest.raises(ValueError, match="`names` must be scale and another"):
        match_pair("gcc", ("sigma", "scale"), iou=0.4, area=0.3)
    with pytest.raises(ValueError, match="must be fixed to have steps, got extent=random"):
        match_pair("rrc", ("scale", "a"), iou=0.4, area=0.3)


CURVES = {
    "rising": (lambda x: x, 0.3, 0.3),
    "falling": (lambda x: 1 - x, 0.3, 0.7),
    "turning, the first": (lambda x: 4 * x * (1 - x), 0.75, 0.25),
    "a turn inside one grid step": (lambda x: 1 - 400 * (x - 0.321) ** 2, 0.9995, 0.3199),
    "a flat step": (lambda x: float(x > 0.2) / 2 + float(x > 0.7) / 2, 0.5, None),
}


@pytest.mark.parametrize("name", CURVES)
def test_curves_of_every_shape(name):
    curve, target, where = CURVES[name]
    found = search(curve, target, (0.01, 1)).solution
    assert found.y == curve(found.x) == pytest.approx(target, abs=1e-3)
    assert where is None or found.x == pytest.approx(where, abs=2e-3)


def test_a_jump_over_the_target_is_no_solution():
    found = search(lambda x: float(x > 0.2), 0.5, (0.01, 1))
    assert found.solution is None
    assert [point.x for point in found.beside] == pytest.approx([0.2, 0.2])
    assert (found.lowest.y, found.highest.y) == (0, 1)


def test_a_jump_does_not_hide_a_later_crossing():
    found = search(lambda x: 1.0 if x < 0.1 else x - 0.1, 0.5, (0.01, 1))
    assert found.solution.x == pytest.approx(0.6, abs=1e-3)

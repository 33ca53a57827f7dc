"""Closed forms against brute force: 200,000 draws."""

import numpy as np
import pytest

import tamecrop as tc

N = 100_000
LAWS = [
    "rc:scale=0.8",
    "rc_pad:scale=0.4,padding=5/32",
    "gcc:scale=0.4,alpha=1.5",
    "gcc:scale=0.8,alpha=2,border=recenter,rounding=faithful",
    "gcc:scale=0.4,sigma=0.3,border=truncate",
    "gcc:scale=0.4,sigma=0.3,border=reflect",
    "cgcc:scale=0.6,alpha=2",
    "mgcc:scale=0.4,alpha=1.5",
    "cmgcc:scale=0.4,alpha=1.5",
]


def brute(law, size):
    boxes = tc.policy(law).draw(size, index=np.arange(N))
    content = tc.boxes.content_share(boxes, size)
    inside = tc.boxes.clip(boxes, size)
    iou = tc.boxes.iou(inside[:, 0], inside[:, 1])
    return {
        "area": tc.boxes.area(boxes).mean() / np.prod(size),
        "content_share": content.mean(),
        "content_area": tc.boxes.area(inside).mean() / np.prod(size),
        "empty_share": (content == 0).mean(),
        "iou": iou.mean(),
        "iou_zero": (iou == 0).mean(),
    }


def closed(law, size):
    policy = tc.policy(law)
    view, pair = tc.expectations.view_law(policy, size), tc.expectations.pair_law(policy, size)
    names = ("area", "content_share", "content_area", "empty_share")
    return {name: getattr(view, name) for name in names} | pair._asdict()


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("size", [(32, 32), (30, 45)])
def test_closed_forms_are_what_draws_average_to(law, size):
    assert closed(law, size) == pytest.approx(brute(law, size), abs=0.004)


def test_another_spread_is_not():
    wrong = closed("gcc:scale=0.4,alpha=1.7", (32, 32))
    right = brute("gcc:scale=0.4,alpha=1.5", (32, 32))
    assert abs(wrong["iou"] - right["iou"]) > 0.01


def test_random_extents_have_their_area():
    law = "rrc:scale=0.2..1"
    boxes = tc.policy(law).draw((48, 64), index=np.arange(N))
    view = tc.expectations.view_law(tc.policy(law), (48, 64))
    assert view.area == pytest.approx(tc.boxes.area(boxes).mean() / 48 / 64, abs=0.004)


def test_rc_has_as_many_placements_as_places():
    placements = [
        tc.expectations.view_law(tc.policy(f"rc:scale=0.8,rounding={rule}"), (32, 32)).placements
        for rule in ("faithful", "nearest")
    ]
    assert placements == pytest.approx([25, 16])


@pytest.mark.parametrize("law", ["rrc", "jointcrop", "rc:pair=iou,iou=0.2..0.5"])
def test_what_has_no_closed_form_says_so(law):
    with pytest.raises(ValueError, match="draw"):
        tc.expectations.pair_law(tc.policy(law), (32, 32))


def drawn_offset_entropy(law, size):
    """Entropy of the displacement along each axis, from draws; few places, so little bias."""
    boxes = tc.policy(law).draw(size, index=np.arange(N))
    total = 0.0
    for axis in (0, 1):
        _, counts = np.unique(boxes[:, 0, axis] - boxes[:, 1, axis], return_counts=True)
        total -= (counts / N * np.log(counts / N)).sum()
    return total


@pytest.mark.parametrize(
    "law",
    [
        "rc:scale=0.8",
        "gcc:scale=0.8,sigma=0.05",
        "cgcc:scale=0.4,sigma=2",
        "mgcc:scale=0.2,alpha=0.1,rounding=faithful",
    ],
)
def test_offset_entropy_is_that_of_draws(law):
    closed = tc.expectations.offset_entropy(tc.policy(law), (16, 24))
    assert closed == pytest.approx(drawn_offset_entropy(law, (16, 24)), abs=0.01)


def test_offset_entropy_sees_a_shared_mean():
    shared = tc.policy("mgcc:scale=0.2,alpha=0.1")
    alone = tc.policy("mgcc:scale=0.2,alpha=0.1,pair=independent")
    together, apart = (tc.expectations.offset_entropy(law, (16, 24)) for law in (shared, alone))
    assert apart > together + 1

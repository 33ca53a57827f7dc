"""Object-Aware Cropping, combined pair rules, policies that move, named plans."""

import numpy as np
import pytest

import tamecrop as tc
from tamecrop.geometry.plans import PLANS

INDEX = np.arange(4000)
OBJECT = np.array([[40.0, 20.0, 80.0, 60.0]])


def draw_around(text, size=(100, 120), objects=OBJECT, **key):
    policy = tc.policy(text)
    boxes = np.repeat(objects, len(INDEX), axis=0)
    return policy.draw(size, index=INDEX, object_boxes=boxes, **key)


def is_within(boxes, x1, y1, x2, y2):
    return (boxes[..., :2] >= [x1, y1]).all(-1) & (boxes[..., 2:] <= [x2, y2]).all(-1)


def test_one_view_lies_in_the_object_box_and_the_other_in_a_wider_one():
    boxes = draw_around("object", seed=1)
    inside = is_within(boxes, 40, 20, 80, 60)
    assert is_within(boxes, 36, 16, 84, 64).all()
    assert inside.any(axis=1).all()
    # Of the views that leave the box, the first and the second are equally many.
    first, second = (~inside).sum(axis=0)
    assert abs(first - second) < 4 * np.sqrt(first + second)
    assert first + second > 1000
    assert is_within(draw_around("object:dilate=0..0"), 40, 20, 80, 60).all()
    assert not is_within(draw_around("rrc"), 36, 16, 84, 64).all()


def test_the_wider_box_is_as_much_larger_as_stated():
    boxes = draw_around("object:scale=1..1,ratio=1..1,dilate=0.5..0.5")
    sides = boxes[..., 2] - boxes[..., 0]
    assert sorted(set(sides.ravel().tolist())) == [40, 60]
    assert (sides.sum(axis=1) == 100).all()
    drawn = draw_around(
        "object:scale=1..1,ratio=1..1,dilate=0.2..0.6", objects=OBJECT * 100, size=(10_000, 12_000)
    )
    growth = (drawn[..., 2] - drawn[..., 0]).max(axis=1) / 4000 - 1
    assert growth.min() > 0.199
    assert growth.max() < 0.601
    assert growth.mean() == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize("objects", [None, np.full((1, 4), np.nan)])
def test_an_image_without_object_is_its_own_region(objects):
    boxes = (
        tc.policy("object").draw((100, 120), index=INDEX)
        if objects is None
        else draw_around("object", objects=objects)
    )
    assert np.array_equal(boxes, tc.policy("rrc").draw((100, 120), index=INDEX))


@pytest.mark.parametrize(
    "edge", [[0, 0, 1, 1], [119, 99, 120, 100], [5, 5, 5, 5], [-9, -9, -1, -1]]
)
def test_objects_of_a_pixel_or_none_still_give_a_box_inside(edge):
    boxes = draw_around("object", objects=np.array([edge], dtype=float))
    assert is_within(boxes, 0, 0, 120, 100).all()
    assert (boxes[..., 2:] > boxes[..., :2]).all()


def test_pair_rules_combine():
    size, far = (200, 200), "mgcc:scale=0.1,sigma=0.05"
    both = tc.policy(f"{far},pair=shared+iou,iou=0.3..0.5").draw(size, index=INDEX)
    shared = tc.policy(far).draw(size, index=INDEX)
    apart = tc.policy(f"{far},pair=iou,iou=0.3..0.5").draw(size, index=INDEX)

    def describe(boxes):
        iou = tc.boxes.iou(boxes[:, 0], boxes[:, 1])
        return ((iou >= 0.3) & (iou <= 0.5)).mean(), np.ptp(boxes[:, 0, 0])

    assert describe(both)[0] > 0.995
    assert describe(shared)[0] < 0.6
    # A band alone finds pairs of nearby means too, but fewer: that is what the tries are for.
    assert describe(apart)[0] < describe(both)[0]
    with pytest.raises(ValueError, match="`pair=shared` needs a Gaussian center with a range"):
        tc.policy("rrc:pair=shared+iou")


def test_square_patches_of_a_quarter():
    boxes = tc.plan("20x emp @32").draw((64, 64), index=[0, 1])[0]
    assert boxes.shape == (2, 20, 4)
    assert (boxes[..., 2:] - boxes[..., :2] == 32).all()


MOVING = "rrc:scale=0.5..1->0.2..1,over=5"


def test_a_policy_moves_in_a_straight_line_and_stays_where_it_came_to():
    policy = tc.policy(MOVING)
    assert str(policy) == MOVING
    assert tc.policy(str(policy)) == policy
    lows = [policy.at(epoch).extent.scale[0] for epoch in (0, 1, 2, 4, 5, 99)]
    assert lows == [0.5, 0.425, 0.35, 0.2, 0.2, 0.2]
    for epoch in (0, 3, 7):
        expected = policy.at(epoch).draw((64, 48), index=INDEX, epoch=epoch, seed=3)
        assert np.array_equal(policy.draw((64, 48), index=INDEX, epoch=epoch, seed=3), expected)
    assert not np.array_equal(
        policy.draw((64, 48), index=INDEX, epoch=3),
        policy.at(0).draw((64, 48), index=INDEX, epoch=3),
    )


def test_a_policy_that_moves_keeps_its_presets_text_and_moves_in_plans():
    moving = "mgcc:scale=0.2->0.4,sigma=0.1->0.3,mean=0.4..0.6->0.1..0.9,over=3"
    text = f"2x {moving} @16 + 1x rrc:scale=0.2..1"
    plan = tc.plan(text)
    assert str(plan) == text
    first, _ = plan.draw((64, 64), index=INDEX, epoch=0)
    last, _ = plan.draw((64, 64), index=INDEX, epoch=2)
    assert set((first[..., 2] - first[..., 0]).ravel()) == {29}
    assert set((last[..., 2] - last[..., 0]).ravel()) == {40}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rrc:scale=0.5..1->0.2..1", "needs `over=EPOCHS`"),
        ("rrc:scale=0.5..1->0.2..1,over=0", "`over` must satisfy over >= 1"),
        ("rrc:scale=0.5..1->0.2..1,over=x", "needs `over=EPOCHS`"),
        ("rrc:scale=0.5..1->2..3,over=4", "`scale` must satisfy"),
        ("rc:center=uniform->padded,over=3", "cannot move from uniform to padded"),
        ("rrc:pair=iou,tries=3->9,over=3", "`tries` cannot move from 3 to 9"),
        ("gcc:mean=center->0..1,over=3", "`mean`"),
        ("rc:over=3", "unknown key of a crop policy 'over'"),
        ("rc:scale=0.4->,over=3", "written name:key=value"),
    ],
)
def test_what_cannot_move_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        tc.policy(text)


def test_closed_forms_of_a_policy_that_moves_are_those_of_an_epoch():
    with pytest.raises(
        ValueError, match=r"needs a policy of one epoch, .* take policy.at\(epoch\)"
    ):
        tc.expectations.view_law(tc.policy(MOVING), (32, 32))
    assert tc.expectations.view_law(tc.policy(MOVING).at(9), (32, 32)).area > 0.5


def test_named_plans_are_their_text():
    for name, preset in PLANS.items():
        assert str(tc.plan(name)) == preset.text
        assert preset.source
        assert preset.note
    swav, small = tc.plan("swav"), tc.plan("dino32")
    assert [(group.views, group.size) for group in swav.groups] == [(2, (224, 224)), (6, (96, 96))]
    assert [(group.views, group.size) for group in small.groups] == [(2, (32, 32)), (6, (18, 18))]

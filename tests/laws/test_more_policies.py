"""Object-Aware Cropping, combined pair rules, policies that move, named plans."""

import numpy as np
import pytest

import tamecrop as tc
from tamecrop.geometry.presets import PLANS

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


def coverage(boxes, objects):
    return tc.boxes.coverage(boxes, np.repeat(objects, len(boxes), axis=0)[:, None])


CORNER = np.array([[100.0, 78.0, 118.0, 98.0]])


@pytest.mark.parametrize("objects", [OBJECT, CORNER, np.array([[0.0, 0.0, 120.0, 100.0]])])
def test_cast_shows_a_fifth_of_the_object_or_as_much_as_the_smallest_crop(objects):
    boxes = draw_around("cast:scale=0.05..0.5", objects=objects)
    area = (objects[0, 2] - objects[0, 0]) * (objects[0, 3] - objects[0, 1])
    need = min(0.2, 0.05 * 100 * 120 / area)
    assert is_within(boxes, 0, 0, 120, 100).all()
    assert (coverage(boxes, objects) >= need - 1e-9).all()
    first = "rrc:scale=0.05..0.5,center=gaussian,sigma=0.25,mean=given,border=truncate"
    free = draw_around(first, objects=objects)
    short = (coverage(free, objects) < need).mean()
    assert short > (0.05 if objects is CORNER else -1)
    kept = coverage(free, objects) >= need
    assert np.array_equal(boxes[kept], free[kept])


def test_casts_views_are_conditioned_and_fall_back_to_the_smallest_legal_box():
    # One try: every view that shows too little is the fallback.
    boxes = draw_around("cast:scale=0.01..0.02,tries=1,cover=1,sigma=3", objects=CORNER)
    x1, y1, x2, y2 = CORNER[0]
    least = 0.01 * 120 * 100 / ((x2 - x1) * (y2 - y1))
    enough = coverage(boxes, CORNER) >= min(1, least) - 1e-9
    assert enough.all()
    around = (boxes == [100, 78, 118, 98]).all(-1)
    assert 0.5 < around.mean() < 1
    wide = draw_around("cast:scale=0.01..0.02,tries=1,cover=1,sigma=9,ratio=2..3", objects=CORNER)
    fallback = wide[(wide[..., 2] - wide[..., 0] == 40) & (wide[..., 3] - wide[..., 1] == 20)]
    assert len(fallback) > 1000
    assert (fallback == [80, 78, 120, 98]).all()  # pushed inside
    # Many tries: the law is the free one given that the view shows enough.
    text = "scale=0.05..0.3,center=gaussian,sigma=0.25,mean=given,border=truncate"
    free = draw_around(f"rrc:{text}", objects=CORNER)
    least = 0.05 * 120 * 100 / ((x2 - x1) * (y2 - y1))
    held = coverage(free, CORNER) >= min(0.2, least)
    found = draw_around("cast:scale=0.05..0.3,tries=60", objects=CORNER, seed=9)
    for edge in range(4):
        spread = free[held][:, edge].std() / np.sqrt(held.sum())
        assert abs(free[held][:, edge].mean() - found[..., edge].mean()) < 5 * spread


@pytest.mark.parametrize("objects", [None, np.full((1, 4), np.nan)])
def test_cast_without_object_keeps_its_first_draws(objects):
    law = "rrc:center=gaussian,sigma=0.25,mean=given,border=truncate"
    drawn = (
        tc.policy("cast").draw((100, 120), index=INDEX)
        if objects is None
        else draw_around("cast", objects=objects)
    )
    assert np.array_equal(drawn, tc.policy(law).draw((100, 120), index=INDEX))


def test_cast_of_one_image_is_that_of_a_batch():
    law = tc.policy("cast:scale=0.05..0.5")
    batch = draw_around("cast:scale=0.05..0.5", objects=CORNER, seed=2)
    for n in range(0, 400):
        one = law.draw_one(100, 120, views=2, seed=2, index=n, object_box=CORNER[0])
        assert one == [tuple(box) for box in batch[n].tolist()]


def test_hard_views_are_a_plan():
    plan = tc.plan("2of4x rrc:scale=0.2..1 @32 + 1x gcc:scale=0.4,sigma=0.2 @16")
    assert tc.plan(str(plan)) == plan
    assert plan.views == 5
    assert plan.first_views == (0, 4)
    assert [boxes.shape for boxes in plan.draw((64, 64), index=[0])] == [(1, 4, 4), (1, 1, 4)]
    assert str(plan.trained_on).startswith("2x rrc:scale=0.2..1 @32 + 1x gcc")
    for text, said in (
        ("2of2x rrc", "`kept` must satisfy kept = 2 < views, got '2 of 2'"),
        ("3of4x rrc", "`kept`"),
        ("2of4x jointcrop", "`views` must be 2 with jointcrop"),
        ("of4x rrc", "a view plan is written"),
    ):
        with pytest.raises(ValueError, match=said):
            tc.plan(text)


def test_boxes_of_an_encoder_are_stated_and_come_from_one_source():
    assert tc.plan("ccrop:box=encoder").box_threshold == 0.1
    assert tc.plan("ccrop:box=encoder,threshold=1/4").box_threshold == 0.25
    assert tc.plan("ccrop").box_threshold is None
    assert str(tc.policy("ccrop:box=encoder,threshold=0.1")) == "ccrop:scale=0.2..1,box=encoder"
    given, encoder = (draw_around(text, objects=CORNER) for text in ("ccrop", "ccrop:box=encoder"))
    assert np.array_equal(given, encoder)
    with pytest.raises(ValueError, match="all groups must take their boxes from one source"):
        tc.plan("1x ccrop + 1x ccrop:box=encoder")
    with pytest.raises(ValueError, match="`threshold` must satisfy 0 < threshold < 1, got 1"):
        tc.policy("ccrop:box=encoder,threshold=1")

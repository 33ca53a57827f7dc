import numpy as np
import pytest

from tamecrop.geometry import expectations
from tamecrop.geometry.draws import choose_objects
from tamecrop.geometry.matching import match, match_pair
from tamecrop.geometry.plans import Group, ViewPlan, plan, read_size
from tamecrop.geometry.policy import policy

MULTI_CROP = "2x rrc:scale=0.4..1 @224 + 6x rrc:scale=0.05..0.4 @96"
TEXTS = (
    "rc:scale=0.8",
    "2x rrc:scale=0.2..1 @32",
    "1x gcc:scale=0.4,sigma=0.2 @30x45",
    "3x rc:scale=0.5",
    MULTI_CROP,
    "2x mgcc:scale=0.4,sigma=0.2 + 1x rc:scale=0.1 @16",
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_plan_prints_the_text_it_was_read_from(text):
    assert str(plan(text)) == text
    assert plan(str(plan(text))) == plan(text)
    assert plan(plan(text)) == plan(text)


def test_a_bare_policy_is_a_plan_of_one_group_and_draws_its_boxes():
    bare = plan("mgcc:scale=0.4")
    assert bare.groups == (Group(policy("mgcc:scale=0.4"), 2, None),)
    assert plan(policy("mgcc:scale=0.4")) == bare
    (boxes,) = bare.draw((32, 40), index=[3, 8], seed=5, epoch=2)
    assert np.array_equal(
        boxes, policy("mgcc:scale=0.4").draw((32, 40), index=[3, 8], seed=5, epoch=2)
    )


def test_what_a_group_does_not_state_is_given_beside_the_text():
    stated = plan("rc:scale=0.5 @16 + 4x rc:scale=0.25", views=3, size=32)
    assert [(group.views, group.size) for group in stated.groups] == [(3, (16, 16)), (4, (32, 32))]


def test_no_view_of_a_plan_repeats_the_draws_of_another():
    alike = plan("2x rc:scale=0.25 + 2x rc:scale=0.25")
    first, second = alike.draw((500, 500), index=range(200))
    every = np.concatenate([first, second], axis=1).reshape(-1, 4)
    # 250,000 places for 800 boxes: about one pair in two hundred meets by chance.
    assert len(np.unique(every, axis=0)) > 780
    both = policy("rc:scale=0.25").draw((500, 500), index=range(200), views=4)
    assert np.array_equal(np.concatenate([first, second], axis=1), both)
    repeated = policy("rc:scale=0.25").draw((500, 500), index=range(200))
    assert np.array_equal(first, repeated)
    assert not np.array_equal(second, repeated)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2x @32", "a view plan is written"),
        ("", "a view plan is written"),
        ("2x rc:scale=0.5 @", "a view plan is written"),
        ("0x rc:scale=0.5", "`views` must satisfy views >= 1"),
        ("2x rc:scale=0.5 @0", "`size` must satisfy a whole side, or HEIGHTxWIDTH, got '0'"),
        ("2x rc:scale=0.5 @3x4x5", "`size` must satisfy"),
        ("2x rk:scale=0.5", "rk"),
        ("rc:scale=0.5 + ", "a view plan is written"),
    ],
)
def test_what_is_no_plan_is_refused_with_the_rule(text, message):
    with pytest.raises(ValueError, match=message):
        plan(text)


def test_other_things_than_texts_are_refused():
    with pytest.raises(TypeError, match="a view plan must be a text"):
        plan(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least one group"):
        ViewPlan(())
    with pytest.raises(ValueError, match="a closed form needs a plan of one group, got 2x rrc"):
        plan(MULTI_CROP).only_group("a closed form")
    assert read_size("7x9") == (7, 9)


def test_object_boxes_reach_every_group():
    centered = plan("1x gcc:scale=0.01,sigma=0.001,mean=given + 1x ccrop:scale=0.1..0.2")
    assert centered.needs_boxes
    assert not plan(MULTI_CROP).needs_boxes
    boxes = np.array([[80.0, 10.0, 90.0, 20.0]])
    small, _ = centered.draw((100, 100), index=[0], object_boxes=boxes)
    middle = (small[0, 0, :2] + small[0, 0, 2:]) / 2
    assert np.abs(middle - [85, 15]).max() <= 1


def test_each_of_an_images_objects_is_chosen_in_some_epoch_and_by_key_alone():
    boxes = [np.arange(12).reshape(3, 4), np.empty((0, 4)), np.array([[1, 2, 3, 4]])]
    epochs = [choose_objects(boxes, seed=1, epoch=epoch, index=[4, 5, 6]) for epoch in range(30)]
    assert {chosen[0, 0] for chosen in epochs} == {0.0, 4.0, 8.0}
    assert all(np.isnan(chosen[1]).all() for chosen in epochs)
    assert all(chosen[2].tolist() == [1, 2, 3, 4] for chosen in epochs)
    again = choose_objects(boxes[::-1], seed=1, epoch=7, index=[6, 5, 4])
    assert np.array_equal(again[::-1], epochs[7], equal_nan=True)


@pytest.mark.parametrize(
    "function", [expectations.view_law, expectations.pair_law, expectations.offset_entropy]
)
def test_closed_forms_take_a_plan_of_one_group_and_refuse_more(function):
    text = "gcc:scale=0.4,sigma=0.2"
    alone = function(policy(text), (32, 32))
    assert function(plan(f"1x {text} @16"), (32, 32)) == function(text, (32, 32)) == alone
    with pytest.raises(ValueError, match="a closed form needs a plan of one group, got 2x rrc"):
        function(plan(MULTI_CROP), (32, 32))


def test_matching_takes_a_plan_of_one_group_and_refuses_more():
    text = "gcc:scale=0.4,sigma=0.2"
    assert match(plan(text), iou=0.45) == match(text, iou=0.45)
    with pytest.raises(ValueError, match="matching needs a plan of one group, got 2x rrc"):
        match(MULTI_CROP, iou=0.45)
    with pytest.raises(ValueError, match="matching needs a plan of one group"):
        match_pair(MULTI_CROP, iou=0.45, area=0.5)


@pytest.mark.parametrize("text", ["jointcrop", "rrc:pair=iou"])
def test_a_group_of_views_that_its_policy_cannot_draw_is_refused(text):
    with pytest.raises(ValueError, match=r"`views` must be 2 with .*, got 3"):
        plan(f"3x {text}")

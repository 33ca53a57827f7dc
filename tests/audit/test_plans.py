"""Object boxes reach the policy, plans of several groups, and the audit as a Python function."""

import numpy as np
import pytest
import torch

import tamecrop as tc
import tamecrop.audit
from tamecrop.audit.measures.closed_forms import compute_exactly, count_placements
from tamecrop.audit.measures.geometry import measure_drawn, measure_geometry
from tamecrop.audit.measures.objects import measure_objects
from tamecrop.audit.measures.suspicious import find_by_overlap
from tamecrop.audit.measures.view_pairs import Shapes, ViewPair, draw_pairs, list_pairs, pair_views
from tamecrop.audit.run import audit
from tamecrop.data.images import ImageSet
from tamecrop.data.sources import load
from tamecrop.geometry.draws import choose_objects
from tamecrop.geometry.plans import plan
from tamecrop.reporting.view_grid import Look, draw_tile, sheet_figure

SIDE = 32
CORNER = np.array([[0, 0, 8, 8], [2, 2, 6, 10]])
TWO = plan("2x rrc:scale=0.4..1 @24 + 3x rc:scale=0.1 @12")


def boxed(n=6):
    """Images whose objects all lie in the top left corner."""
    return Shapes(np.full((n, 2), SIDE), object_boxes=(CORNER,) * n)


def bare(n=6):
    return Shapes(np.full((n, 2), SIDE))


@pytest.mark.parametrize("text", ["ccrop", "gcc:scale=0.2,mean=given"])
def test_a_policy_that_needs_boxes_is_audited_with_them(text):
    views = pair_views(text)
    near, far = measure_geometry(views, boxed()), measure_geometry(views, bare())
    seen_near, seen_far = (np.array(found.coverage_map) for found in (near, far))
    assert seen_near[0, 0] > seen_near[31, 31] + 0.2
    assert abs(seen_far[0, 0] - seen_far[31, 31]) < 0.05
    shares = [
        measure_objects(pair_views(each), boxed()).pair_share
        for each in (text, text.replace("ccrop", "rrc").replace("mean=given", "mean=center"))
    ]
    assert shares[0] > shares[1] + 0.05


def test_every_draw_has_the_object_that_training_has_in_that_epoch():
    views, shapes = pair_views("ccrop"), boxed()
    (batch,) = draw_pairs(views, shapes, draws=3, seed=4)
    index = np.arange(6)
    for draw in range(3):
        rows = slice(6 * draw, 6 * draw + 6)
        chosen = choose_objects([CORNER] * 6, seed=4, epoch=draw, index=index)
        wanted = views.policies[0].draw(
            shapes.sizes, seed=4, index=index + 6 * draw, object_boxes=chosen
        )
        assert np.array_equal(batch.boxes[rows], wanted)
    other = choose_objects([CORNER] * 6, seed=4, epoch=9, index=index)
    assert not np.array_equal(other, choose_objects([CORNER] * 6, seed=4, epoch=0, index=index))


def test_no_closed_form_is_given_where_boxes_decide():
    views = pair_views("cgcc:scale=0.2,mean=given")
    assert compute_exactly(views, boxed()) == {}
    assert compute_exactly(views, bare()) != {}
    assert count_placements(views, boxed()) < count_placements(views, bare())


def test_suspects_and_pictures_use_the_boxes_too():
    views = pair_views("ccrop")
    assert find_by_overlap(views, boxed())[0].boxes.tolist() != (
        find_by_overlap(views, bare())[0].boxes.tolist()
    )
    image = torch.zeros(3, SIDE, SIDE, dtype=torch.uint8)
    policy = tc.policy("gcc:scale=0.1,sigma=0.01,mean=given")
    near = draw_tile(image, policy, Look(size=8), index=0, objects=CORNER[:1])
    far = draw_tile(image, policy, Look(size=8), index=0)
    assert np.abs((near.boxes[:, :2] + near.boxes[:, 2:]) / 2 - 4).max() < 2
    assert np.abs((far.boxes[:, :2] + far.boxes[:, 2:]) / 2 - 16).max() < 2


def test_one_group_is_the_policy_bit_for_bit():
    shapes = bare()
    policy, group = pair_views("gcc:scale=0.4,sigma=0.3"), pair_views("2x gcc:scale=0.4,sigma=0.3")
    assert measure_geometry(policy, shapes) == measure_geometry(group, shapes)
    sized = ViewPair(plan("2x gcc:scale=0.4,sigma=0.3 @16"))
    assert str(sized) == "2x gcc:scale=0.4,sigma=0.3 @16"
    (first,) = draw_pairs(policy, shapes, draws=2)
    (second,) = draw_pairs(sized, shapes, draws=2)
    assert np.array_equal(first.boxes, second.boxes)


def test_groups_are_judged_one_by_one_and_across():
    wide, small, across = list_pairs(TWO)
    assert (wide.groups, small.groups, across.groups) == ((0, 0), (1, 1), (0, 1))
    shapes = bare(500)
    whole = TWO.draw(shapes.sizes)
    for views, boxes in (
        (wide, whole[0][:, :2]),
        (small, whole[1][:, :2]),
        (across, np.stack([whole[0][:, 0], whole[1][:, 0]], axis=1)),
    ):
        (batch,) = draw_pairs(views, shapes, draws=1)
        assert np.array_equal(batch.boxes, boxes)
    found = [measure_drawn(views, shapes) for views in (wide, small, across)]
    assert found[0].pair_iou_mean > found[2].pair_iou_mean
    assert found[2].realized_area_mean == pytest.approx(
        (found[0].realized_area_mean + found[1].realized_area_mean) / 2, abs=0.01
    )
    assert (found[2].stated_area, found[2].placements) == (None, None)
    with pytest.raises(ValueError, match="needs a plan of one group"):
        pair_views(TWO)
    with pytest.raises(ValueError, match="has one view"):
        list_pairs(plan("1x rc"))


def test_a_function_returns_the_record_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pixels = torch.zeros(20, 3, SIDE, SIDE, dtype=torch.uint8)
    boxes = [CORNER] * 20
    settings = {"reference": "none", "draws": 30, "boxes": boxes}
    found = audit(pixels, [str(TWO), "gcc"], **settings)
    assert [each.policy for each in found.policies] == [
        "rrc:scale=0.2..1",
        "2x rrc:scale=0.4..1 @24",
        "3x rc:scale=0.1 @12",
        "2x rrc:scale=0.4..1 @24 with 3x rc:scale=0.1 @12",
        "gcc:scale=0.4,sigma=0.2165",
    ]
    assert {each.plan for each in found.policies[1:4]} == {str(TWO)}
    assert all(each.preservation.pair_share is not None for each in found.policies)
    assert not list(tmp_path.iterdir())
    assert tamecrop.audit(pixels.numpy(), "gcc", **settings).policies[1] == found.policies[4]
    audit(pixels, "gcc", **settings, out=tmp_path / "here")
    assert (tmp_path / "here" / "report.html").is_file()


def test_all_forms_of_images_are_the_same_images(tmp_path):
    data = load("scenes:count=60")
    settings = {"reference": "none", "draws": 20}
    given = {"boxes": data.train.boxes, **settings}
    whole = audit(data, "rc", **settings)
    array = audit(data.train.pixels, "rc", **given)
    listed = audit(list(data.train.pixels), "rc", **given)
    assert whole.policies == array.policies == listed.policies
    assert audit("scenes:count=60", "rc", **settings).policies == whole.policies
    ragged = [torch.zeros(3, 20 + place, 30, dtype=torch.uint8) for place in range(5)]
    assert audit(ragged, "rc", **settings).sizes == 5
    with pytest.raises(ValueError, match=r"shape \(C, H, W\)"):
        audit([torch.zeros(3, 4)], "rc", **settings)
    with pytest.raises(ValueError, match="one entry per image"):
        audit(ragged, "rc", **settings, boxes=[CORNER])
    with pytest.raises(ValueError, match="at least one image"):
        audit([], "rc", **settings)


def test_ragged_images_with_labels_teach_a_reference():
    rng = np.random.default_rng(0)
    labels = np.arange(130) % 2
    images = [
        rng.integers(0, 60, (3, 16 + place % 3, 16), dtype=np.uint8) + np.uint8(120 * label)
        for place, label in enumerate(labels)
    ]
    found = audit(images, "rc", labels=labels, draws=20)
    assert found.classes == 2
    assert found.reference.correct > 0
    assert found.policies[0].preservation.pair_label_agreement is not None


def test_a_sweep_moves_plans_of_one_group_alone():
    settings = {"reference": "none", "draws": 20, "sweeps": ["scale=0.2:0.4:2"]}
    found = audit(np.zeros((2, 3, 32, 32), np.uint8), [TWO, "rc"], **settings)
    assert {each.curve for each in found.policies if each.curve} == {
        "rc:scale=0.4", "rrc:scale=0.2..1",
    }  # fmt: skip
    with pytest.raises(ValueError, match="`current` needs a plan of one group"):
        audit(np.zeros((2, 3, 32, 32), np.uint8), "rc", current=TWO, reference="none")


def test_a_sheet_shows_every_view_of_a_plan():
    image = torch.randint(0, 255, (3, 40, 50), dtype=torch.uint8)
    tile = draw_tile(image, TWO, Look(), index=0)
    assert [view.shape[:2] for view in tile.views] == [(24, 24)] * 2 + [(12, 12)] * 3
    assert tile.boxes.shape == (5, 4)
    assert "on average" in tile.caption
    assert np.array_equal(tile.boxes[:2], TWO.draw((40, 50), index=[0])[0][0])
    assert len(sheet_figure([image], [TWO, tc.policy("rc")]).axes) == 2


def test_the_views_of_a_sheet_have_colors_of_their_own():
    image = torch.full((3, SIDE, SIDE), 100, dtype=torch.uint8)
    image[0] = 200
    from tamecrop.views.photometric import Photometric

    step = Photometric(jitter=1.0, brightness=0.8)
    tile = draw_tile(image, tc.policy("rc:scale=1"), Look(photometric=step), index=3)
    cut = tc.cut(image[None], np.array([[[0, 0, SIDE, SIDE]] * 2]))
    wanted = (255 * step.apply(cut, index=[3])).round().to(torch.uint8)[0]
    for view, right in zip(tile.views, wanted, strict=True):
        assert np.array_equal(view, right.permute(1, 2, 0).numpy())
    assert not np.array_equal(*tile.views)


def test_a_set_of_images_keeps_its_boxes():
    shapes = Shapes.of(ImageSet.in_memory(torch.zeros(2, 3, 8, 8, dtype=torch.uint8)))
    assert shapes.object_boxes is None
    assert shapes.take(np.array([1])).keys.tolist() == [1]

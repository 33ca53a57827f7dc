"""What every crop law promises, whatever its parts."""

import numpy as np
import pytest

import tamecrop as tc
from references.policies import EVERY

RANDOM = np.random.default_rng(0)
SIZES = np.maximum(np.exp(RANDOM.uniform(0, np.log(1e5), (400, 2))).astype(np.int64), 3)
GIVEN = np.stack(
    [SIZES[:, 1] // 4, SIZES[:, 0] // 4, SIZES[:, 1] // 2 + 1, SIZES[:, 0] // 2 + 1], axis=1
)


@pytest.mark.parametrize("law", EVERY)
def test_boxes_are_whole_positive_and_inside_where_promised(law):
    policy = tc.policy(law)
    boxes = policy.draw(SIZES, object_boxes=GIVEN)
    assert boxes.shape == (400, 2, 4)
    assert boxes.dtype == np.int64
    assert (boxes[..., 2:] > boxes[..., :2]).all()
    if policy.border.inside or policy.center.kind == "uniform":
        assert boxes.min() >= 0
        assert (boxes[..., 2:] <= SIZES[:, None, ::-1]).all()


@pytest.mark.parametrize("law", EVERY)
def test_a_batch_gives_what_single_images_give(law):
    policy = tc.policy(law)
    index = np.array([4, 900, 17, 3])
    together = policy.draw(
        SIZES[index % 400], index=index, seed=2, epoch=5, object_boxes=GIVEN[index % 400]
    )
    order = np.array([2, 0, 3, 1])
    for place in order:
        one = index[[place]]
        alone = policy.draw(
            SIZES[one % 400], index=one, seed=2, epoch=5, object_boxes=GIVEN[one % 400]
        )
        assert (alone[0] == together[place]).all()


@pytest.mark.parametrize("law", EVERY)
def test_every_part_of_the_key_counts(law):
    policy, index = tc.policy(law), np.arange(50)
    keys = [{}, {"seed": 1}, {"epoch": 1}, {"index": index + 50}]
    draws = [policy.draw((96, 96), **{"index": index, **key}) for key in keys]
    for other in draws[1:]:
        assert (other != draws[0]).any(axis=-1).mean() > 0.5
    assert (draws[0][:, 0] != draws[0][:, 1]).any(axis=-1).mean() > 0.5


@pytest.mark.parametrize("law", EVERY)
def test_empty_batches_and_text_forms(law):
    policy = tc.policy(law)
    assert policy.draw(np.empty((0, 2), dtype=np.int64)).shape == (0, 2, 4)
    assert tc.policy(str(policy)) == policy
    assert str(tc.policy(str(policy))) == str(policy)


def test_no_draw_repeats_over_views_images_and_epochs():
    policy = tc.policy("gcc:scale=0.5,sigma=1")
    draws = [policy.draw((10**9, 10**9), index=np.arange(2000), epoch=epoch) for epoch in range(3)]
    corners = np.concatenate(draws)[..., 0].ravel()
    assert len(np.unique(corners)) == len(corners) == 12_000


def test_an_iou_band_holds_wherever_it_can():
    boxes = tc.policy("rrc:pair=iou,iou=0.2..0.5,tries=64").draw((64, 64), index=np.arange(2000))
    iou = tc.boxes.iou(boxes[:, 0], boxes[:, 1])
    assert ((iou >= 0.2) & (iou <= 0.5)).mean() > 0.999
    free = tc.policy("rrc").draw((64, 64), index=np.arange(2000))
    iou = tc.boxes.iou(free[:, 0], free[:, 1])
    assert ((iou >= 0.2) & (iou <= 0.5)).mean() < 0.9


def test_reflection_folds_and_truncation_has_no_atoms():
    index = np.arange(20_000)
    clamped, cut, folded = (
        tc.policy(f"gcc:scale=0.5,sigma=0.4,border={rule}").draw((100, 100), index=index)[..., 0]
        for rule in ("clamp", "truncate", "reflect")
    )
    last = clamped.max()
    assert (clamped == 0).mean() > 0.2
    for inside in (cut, folded):
        assert inside.min() == 0
        assert inside.max() == last
        assert (inside == 0).mean() < 0.05

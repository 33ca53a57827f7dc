"""What `sigma` and `padding` mean does not depend on the resolution; what `alpha` means does."""

import numpy as np
import pytest
import torch

import tamecrop as tc
from tamecrop.data.images import Dataset, ImageSet
from tamecrop.geometry import clip, content_iou, content_share, plan
from tamecrop.learning import Hooks, Pretraining
from tamecrop.learning.pretrain import pretrain

SIDES = (32, 224, 4000)
SAME = ("gcc:scale=0.4,sigma=0.2165", "rc_pad:scale=0.4,padding=0.3", "cgcc:scale=0.4,sigma=0.2")
OTHER = "gcc:scale=0.4,alpha=1.5"


def figures(policy: str, side: int) -> dict[str, float]:
    """What an audit measures of boxes, on images of one size: shares of the image."""
    boxes = tc.policy(policy).draw((side, side), index=np.arange(20_000))
    sizes = np.full((20_000, 2), side)
    inside = clip(boxes, sizes[:, None])
    area = (inside[..., 2:] - inside[..., :2]).prod(axis=-1) / side**2
    return {
        "pair_iou_mean": content_iou(boxes, sizes).mean(),
        "content_area_mean": area.mean(),
        "content_share_mean": content_share(boxes, sizes[:, None]).mean(),
    }


@pytest.mark.parametrize("policy", SAME)
def test_a_share_of_the_side_gives_the_same_figures_at_any_resolution(policy):
    """Up to whole pixels: both edges of a crop of 20 pixels are whole ones."""
    exact = figures(policy, SIDES[-1])
    for side, bound in ((32, 0.04), (224, 0.008)):
        for name, value in figures(policy, side).items():
            assert value == pytest.approx(exact[name], abs=bound), (side, name)


def test_alpha_gives_other_figures_at_another_resolution():
    overlap = [figures(OTHER, side)["pair_iou_mean"] for side in SIDES]
    assert overlap[1] > overlap[0] + 0.2
    assert overlap[2] > overlap[1] + 0.1


@pytest.mark.parametrize(("side", "said"), [(32, 0), (96, 1)])
def test_an_audit_says_what_alpha_is_above_64_px(side, said):
    images = torch.zeros(2, 3, side, side, dtype=torch.uint8)
    found = tc.audit(images, [OTHER, SAME[0]], current="rc", reference="none", draws=4)
    told = [note for note in found.notes if "alpha" in note]
    assert len(told) == said
    if said:
        assert told[0].startswith("alpha=1.5 on sides of 96 px is sigma=0.125, and sigma=0.2165 at")


def test_the_sigma_that_is_named_gives_the_same_boxes():
    at_224 = tc.policy("gcc:scale=0.4,alpha=1.5").draw((224, 224), index=np.arange(500))
    named = tc.policy(f"gcc:scale=0.4,sigma={(1.5 / 224) ** 0.5}").draw(
        (224, 224), index=np.arange(500)
    )
    assert np.array_equal(at_224, named)
    other = tc.policy("gcc:scale=0.4,sigma=0.2165").draw((224, 224), index=np.arange(500))
    assert not np.array_equal(at_224, other)


@pytest.mark.parametrize(("side", "said"), [(64, 0), (65, 1)])
def test_pretraining_says_it_too(tmp_path, side, said):
    images = ImageSet.in_memory(torch.zeros(4, 3, side, side, dtype=torch.uint8))
    data = Dataset(
        name="black",
        train=images,
        validation=images,
        test=images,
        classes=None,
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
    )
    config = Pretraining(
        backbone="resnet7w16", epochs=1, warmup_epochs=0, batch_size=4, size=8, photometric="simclr"
    )
    lines: list[str] = []
    pretrain(data, plan(OTHER), config, tmp_path, hooks=Hooks(warned=lines.append))
    assert sum(line.startswith(f"alpha=1.5 on sides of {side} px") for line in lines) == said

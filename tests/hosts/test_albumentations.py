"""`Crop` inside Albumentations' own pipelines."""

import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import tamecrop as tc
from hosts import common

A = common.need("albumentations")
from tamecrop.views.adapters.albumentations import IS_X, Crop, seed_worker  # noqa: E402

pytestmark = common.LENIENT
GAUSS = "gcc:scale=0.4,sigma=0.2165,border=clamp"


def box_of(sample):
    applied = sample["applied_transforms"]
    (box,) = [each["crop_coords"] for name, each in applied if name.endswith("Crop")]
    return box


def pipeline(*steps, **settings):
    return A.Compose([*steps], save_applied_params=True, **settings)


class Samples(common.Pictures):
    """What workers read: boxes of a pipeline that is given an array."""

    def __getitem__(self, index):
        return torch.tensor(box_of(self.transform(image=common.pixels(index))))


def test_the_page_runs():
    names = common.run_page("albumentations")
    assert names["sample"]["image"].shape == (224, 224, 3)
    assert names["sample"]["mask"].shape == (224, 224)
    assert names["x2"] > names["x1"]


def test_the_example_draws_its_figure():
    assert common.run_example("albumentations").axes


@pytest.mark.parametrize("size", [24, 120])
def test_pixels_are_within_one_level_of_pillow(size):
    image = common.pixels()
    for seed in range(5):
        sample = pipeline(Crop(GAUSS, size), seed=seed)(image=image)
        expected = common.by_pillow(image, box_of(sample), size)
        assert common.levels_apart(sample["image"], expected) <= 1
    assert common.levels_apart(sample["image"], common.by_pillow(image, (0, 0, 9, 9), size)) > 9


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_channels_and_depths_are_kept(channels, dtype):
    image = common.pixels(channels=channels, dtype=dtype)
    sample = pipeline(Crop(common.LEAVES, fill=7), seed=1)(image=image)
    box = np.array([box_of(sample)])
    assert sample["image"].dtype == dtype
    assert np.array_equal(sample["image"], tc.cut([image], box[None], fill=7)[0, 0])


@pytest.mark.parametrize(
    "policy", [GAUSS, common.LEAVES, "gcc:scale=0.5,sigma=0.5,border=recenter"]
)
def test_masks_boxes_and_key_points_follow_the_pixels(policy):
    """A bright square, its mask, its box and its middle are at one place in every view."""
    image = np.zeros((60, 90, 3), np.uint8)
    image[24:36, 40:52] = 255
    sample = {"image": image, "mask": image[..., 0] // 255, "bboxes": [[40, 24, 52, 36]]}
    sample |= {"keypoints": [[46, 30]], "label": [3]}
    seen = 0
    for seed in range(30):
        view = pipeline(
            Crop(policy, 64, fill_mask=2),
            bbox_params=A.BboxParams("pascal_voc", label_fields=["label"]),
            keypoint_params=A.KeypointParams("xy", remove_invisible=False),
            seed=seed,
        )(**sample)
        bright = view["image"][..., 0] > 127
        assert np.mean(bright != (view["mask"] == 1)) < 0.02
        if common.covers(box_of(view), (40, 24, 52, 36)):
            rows, columns = np.nonzero(bright)
            box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert common.levels_apart(view["bboxes"][0], box) <= 1.5
            middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]
            assert common.levels_apart(view["keypoints"][0], middle) <= 1.5
            seen += 1
    assert seen > 3


def test_the_box_is_what_the_key_says_in_any_worker():
    dataset = tc.datasets.Keyed(Samples(pipeline(Crop(GAUSS, 16))), seed=5)
    for epoch, workers in ((0, 0), (3, 2)):
        dataset.set_epoch(epoch)
        boxes = torch.cat([*DataLoader(dataset, 4, num_workers=workers)])
        expected = [common.keyed_box(GAUSS, at, epoch=epoch, seed=5)[0] for at in range(8)]
        assert np.array_equal(boxes, expected)


@pytest.mark.slow
def test_spawned_and_persistent_workers_read_it():
    loader = DataLoader(
        tc.datasets.Keyed(Samples(pipeline(Crop(GAUSS, 16))), seed=5),
        num_workers=1,
        persistent_workers=True,
        multiprocessing_context="spawn",
    )
    for epoch in range(2):
        loader.dataset.set_epoch(epoch)
        expected = [common.keyed_box(GAUSS, at, epoch=epoch, seed=5)[0] for at in range(8)]
        assert np.array_equal(torch.cat([*loader]), expected)


def test_forked_workers_have_numbers_of_their_own():
    def two_epochs(**settings):
        data = Samples(pipeline(Crop("rrc", 16), seed=3))
        loader = DataLoader(data, num_workers=2, multiprocessing_context="fork", **settings)
        return [tuple(box.flatten().tolist()) for _ in range(2) for box in loader]

    torch.manual_seed(0)
    assert len({*two_epochs(worker_init_fn=seed_worker)}) == 16
    # Albumentations 2.0 repeats them, AlbumentationsX does not.
    assert len({*two_epochs()}) == (16 if IS_X else 4)


def test_the_hosts_seed_and_replay_and_files_give_the_same_view_again():
    image = common.pixels()
    first, second = (pipeline(Crop("rrc", 16), seed=9)(image=image)["image"] for _ in range(2))
    assert np.array_equal(first, second)
    replay = A.ReplayCompose([Crop("rrc", 16)])(image=image)
    again = A.ReplayCompose.replay(replay["replay"], image=image)
    assert np.array_equal(replay["image"], again["image"])
    crop = A.from_dict(A.to_dict(Crop(GAUSS, [16], "bicubic", fill=4)))
    assert (crop.policy, crop.size, crop.fill) == (str(tc.policy(GAUSS)), (16, 16), 4)
    assert crop.interpolation == "bicubic"
    kept = pickle.loads(pickle.dumps(pipeline(Crop("rrc", 16), seed=9)))(image=image)
    assert np.array_equal(kept["image"], first)


class Pairs(common.Pictures):
    """Two views of each image: the pipeline is called twice."""

    def __getitem__(self, index):
        views = [self.transform(image=common.pixels(index))["image"] for _ in range(2)]
        return [torch.from_numpy(view.transpose(2, 0, 1)) for view in views]


def test_twenty_steps_train():
    crop = A.Compose([Crop("gcc:scale=0.6,sigma=0.1", 24), A.Normalize()])
    dataset = tc.datasets.Keyed(Pairs(crop))
    batches = []
    for epoch in range(20):
        dataset.set_epoch(epoch)
        batches += [*DataLoader(dataset, 8)]
    assert common.has_learned(common.train(batches))


def test_wrong_settings_are_refused_at_construction():
    with pytest.raises(ValueError, match="did you mean 'gcc'"):
        Crop("gccc")
    with pytest.raises(ValueError, match=r"use Views\('mgcc"):
        Crop("mgcc:scale=0.4")
    with pytest.raises(ValueError, match="`size` must satisfy size >= 1"):
        Crop("rrc", 0)
    with pytest.raises(ValueError, match="must be told it"):
        pipeline(Crop("rrc:scale=0.5..1->0.2..1,over=4", 8))(image=common.pixels())

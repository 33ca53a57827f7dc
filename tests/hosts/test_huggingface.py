"""Crops in data sets of Hugging Face."""

import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from torchvision.transforms import v2

import tamecrop as tc
from hosts import common

datasets = common.need("datasets")
from tamecrop.views.adapters.huggingface import OnRows  # noqa: E402

pytestmark = common.LENIENT
GAUSS = "gcc:scale=0.4,sigma=0.2165,border=clamp"


@pytest.fixture(autouse=True)
def _quiet(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    datasets.disable_progress_bars()


def rows(count=8):
    columns = {"image": [common.picture(number) for number in range(count)]}
    columns |= {"label": [*range(count)], "index": [*range(count)]}
    return datasets.Dataset.from_dict(columns).cast_column("image", datasets.Image())


def to_tensor():
    return v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])


def transform_of(policy=GAUSS, **settings):
    views = tc.transforms.Views(policy, 2, 24, then=to_tensor())
    return OnRows(views, "image", **{"index": "index", "seed": 5, "boxes": "boxes"} | settings)


def boxes_of(loader):
    return torch.cat([batch["boxes"] for batch in loader])


def expected(epoch=0, count=8):
    return [common.keyed_box(GAUSS, at, epoch=epoch, seed=5, views=2) for at in range(count)]


def test_the_page_runs():
    names = common.run_page("huggingface")
    policy = tc.policy("mgcc:scale=0.4")
    assert np.array_equal(names["boxes"], policy.draw((64, 96), index=[3], epoch=1)[0])
    assert names["first"].size == (32, 32)
    assert len(names["row"]["image"]) == 2


def test_the_example_draws_its_figure():
    assert common.run_example("huggingface").axes


def test_every_row_has_the_box_of_its_key_and_its_pixels():
    dataset = rows().with_transform(transform_of())
    batch = dataset[[6, 1, 3]]
    for at, index in enumerate((6, 1, 3)):
        boxes = common.keyed_box(GAUSS, index, seed=5, views=2)
        assert np.array_equal(batch["boxes"][at], boxes)
        for view, box in zip(batch["image"][at], boxes, strict=True):
            cut = common.by_pillow(common.pixels(index), box, 24)
            assert common.levels_apart(view.movedim(0, 2) * 255, cut) <= 1
    assert batch["label"] == [6, 1, 3]


def test_a_crop_without_rows_repeats_one_box():
    """The trap of the page: shown, so that the test above could fail."""
    crop = tc.transforms.Crop("rrc", 8, key="index")
    with pytest.raises(ValueError, match=r"`index` must satisfy .*, got \[0, 1\]"):
        rows().with_transform(lambda batch: crop(batch))[[0, 1]]
    same = rows().with_transform(
        lambda batch: {"image": tc.transforms.Crop("rc:scale=0.1")(batch["image"])}
    )[[0, 0, 0]]["image"]
    assert len({view.tobytes() for view in same}) == 1
    unkeyed = transform_of("rc:scale=0.1", index=None)
    boxes = rows().with_transform(unkeyed)[[0, 0, 0]]["boxes"]
    assert len({str(each) for each in boxes}) == 3


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_persistent_workers_see_the_epoch(context):
    transform = transform_of()
    dataset = rows()
    dataset.set_transform(transform)
    loader = DataLoader(
        dataset, 4, num_workers=1, persistent_workers=True, multiprocessing_context=context
    )
    for epoch in range(2):
        transform.set_epoch(epoch)
        assert np.array_equal(boxes_of(loader), expected(epoch))
    assert np.array_equal(boxes_of(DataLoader(dataset, 3)), expected(1))


def test_a_stream_is_mapped():
    stream = rows().to_iterable_dataset().map(transform_of(), batched=True, batch_size=3)
    assert np.array_equal([row["boxes"] for row in stream], expected())


def test_masks_and_other_columns_pass():
    views = tc.transforms.Crop(GAUSS, 24)
    table = rows().with_transform(OnRows(views, "image", index="index"))
    assert sorted(table[0]) == ["image", "index", "label"]
    again = pickle.loads(pickle.dumps(OnRows(views, "image")))
    assert again({"image": [common.picture()]})["image"][0].size == (24, 24)
    assert OnRows(views, "image")({"image": []}) == {"image": []}


def test_twenty_steps_train():
    transform = transform_of("gcc:scale=0.6,sigma=0.1")
    dataset = rows()
    dataset.set_transform(transform)
    steps = []
    for epoch in range(20):
        transform.set_epoch(epoch)
        steps += [batch["image"] for batch in DataLoader(dataset, 8)]
    assert common.has_learned(common.train(steps))


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match="did you mean 'gcc'"):
        transform_of("gccc")
    with pytest.raises(TypeError, match="`transform` must be a transform, got 3"):
        OnRows(3, "image")
    with pytest.raises(ValueError, match="the sample lacks 'number'"):
        rows().with_transform(transform_of(index="number"))[0]
    with pytest.raises(ValueError, match="columns must have one length"):
        transform_of()({"image": [1], "index": [1, 2]})

"""What torchvision's own tests ask of its crops, asked of ours."""

import itertools
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils._pytree import tree_flatten
from torch.utils.data import DataLoader
from torchvision import transforms as v1, tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

import tamecrop as tc
from hosts import common

pytestmark = common.LENIENT
SIZE = (17, 11)
TO = (19, 32)
LAWS = ["rrc", "gcc:scale=0.5,sigma=0.5", "gcc:scale=0.5,sigma=0.5,border=recenter"]


def image(*lead, kind=tv_tensors.Image):
    return kind(torch.randint(0, 256, (*lead, 3, *SIZE), dtype=torch.uint8))


def boxes(form="XYXY", rows=None):
    rows = rows or [[2, 3, 6, 9], [4, 4, 8, 12]]
    return tv_tensors.BoundingBoxes(torch.tensor(rows), format=form, canvas_size=SIZE)


def mask(*lead):
    return tv_tensors.Mask(torch.randint(0, 9, (*lead, *SIZE), dtype=torch.uint8))


INPUTS = {
    "pil": lambda: Image.fromarray(image(kind=torch.Tensor).movedim(0, 2).numpy()),
    "tensor": lambda: image(kind=torch.as_tensor),
    "image": image,
    "batch": lambda: image(4),
    "video": lambda: image(5, kind=tv_tensors.Video),
    "videos": lambda: image(2, 5, kind=tv_tensors.Video),
    "mask": mask,
    "masks": lambda: mask(3),
    **{form: lambda form=form: boxes(form) for form in ("XYXY", "XYWH", "CXCYWH")},
}
DEGENERATE = [[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]


def everything(found):
    """A sample with every kind of input, and things that are none."""
    return {
        "found": found,
        "image": image(),
        "video": image(5, kind=tv_tensors.Video),
        "pil": INPUTS["pil"](),
        "boxes": boxes("XYWH"),
        "degenerate": boxes(rows=DEGENERATE),
        "mask": mask(),
        "int": 0,
        "float": 0.0,
        "bool": True,
        "none": None,
        "text": "text",
        "path": Path.cwd(),
        "object": object(),
        "labels": torch.empty(5),
        "array": np.empty(5),
    }


def test_the_page_runs():
    names = common.run_page("torchvision")
    assert names["sample"]["mask"].shape == (224, 224)
    assert names["first"].shape == (3, 224, 224)
    assert names["boxes"].shape == (2, 4)
    assert names["view"].size == (224, 224)


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("law", LAWS)
def test_an_input_keeps_its_kind(kind, law):
    crop = pickle.loads(pickle.dumps(tc.transforms.Crop(law, TO)))
    found = INPUTS[kind]()
    version = getattr(found, "_version", None)
    view = crop(found)
    assert type(view) is type(found)
    assert getattr(found, "_version", None) == version
    assert functional.get_size(view) == [*TO]
    assert getattr(view, "dtype", None) == getattr(found, "dtype", None)
    assert getattr(view, "format", None) == getattr(found, "format", None)
    if isinstance(found, torch.Tensor) and not isinstance(found, tv_tensors.BoundingBoxes):
        assert view.shape == (*found.shape[:-2], *TO)


@pytest.mark.parametrize("kind", ["pil", "tensor", "image", "video"])
@pytest.mark.parametrize("container", [dict, list, tuple])
def test_a_sample_keeps_its_structure_and_what_is_no_image(kind, container):
    sample = everything(INPUTS[kind]())
    sample = sample if container is dict else container(sample.values())
    flat, spec = tree_flatten(sample)
    for law in LAWS:
        out, out_spec = tree_flatten(tc.transforms.Crop(law, TO)(sample))
        assert out_spec == spec
        is_cut = v2.Identity()._needs_transform_list(flat)
        for view, leaf, cut in zip(out, flat, is_cut, strict=True):
            assert (type(view) is type(leaf)) if cut else (view is leaf)
        assert sum(is_cut) > 4


@pytest.mark.parametrize("law", LAWS)
def test_degenerate_boxes_stay_so(law):
    sample = {"boxes": boxes(rows=DEGENERATE), "labels": torch.arange(3), "image": image()}
    sample = v2.SanitizeBoundingBoxes()(tc.transforms.Crop(law, TO)(sample))
    assert sample["boxes"].shape == (0, 4)


def test_plain_tensors_are_chosen_as_torchvision_chooses_them():
    kinds = ["tensor", "tensor", "pil", "image", "video"]
    for order in set(itertools.permutations(kinds, 3)):
        sample = [INPUTS[kind]() for kind in order]
        theirs = v2.RandomResizedCrop(TO)(sample)
        ours = tc.transforms.Crop("rrc", TO)(sample)
        for leaf, their, our in zip(sample, theirs, ours, strict=True):
            assert (their is leaf) == (our is leaf)


@pytest.mark.parametrize("size", [17, [17], (17,), [12, 13], (12, 13), np.int64(17)])
@pytest.mark.parametrize("mode", list(v2.InterpolationMode)[:4])
@pytest.mark.parametrize("kind", ["pil", "tensor", "image", "mask"])
def test_pixels_are_those_of_resized_crop(size, mode, kind):
    if kind == "pil" and mode is v2.InterpolationMode.NEAREST_EXACT:
        mode = v2.InterpolationMode.LANCZOS
    found, crop = INPUTS[kind](), tc.transforms.Crop("rrc", size, mode)
    torch.manual_seed(3)
    view = crop(found)
    torch.manual_seed(3)
    params = crop.make_params([found])
    assert sorted(params) == ["height", "left", "top", "width"]
    assert all(type(value) is int for value in params.values())
    sides = [17, 17] if np.size(size) == 1 else [*size]
    expected = functional.resized_crop(found, **params, size=sides, interpolation=mode)
    if kind == "pil":
        view, expected = functional.pil_to_tensor(view), functional.pil_to_tensor(expected)
    assert torch.equal(view, expected)


def test_names_enums_and_numbers_are_one_interpolation():
    found = INPUTS["pil"]()
    for forms in (("bicubic", v2.InterpolationMode.BICUBIC, 3), ("nearest", 0)):
        views = []
        for form in forms:
            torch.manual_seed(1)
            views.append(np.asarray(tc.transforms.Crop("rrc", 9, form)(found)))
        assert all(np.array_equal(views[0], view) for view in views)


def test_wrong_sizes_are_refused():
    for make in (tc.transforms.Crop, tc.transforms.Views):
        with pytest.raises(ValueError, match="`size` must satisfy one side or"):
            make("rrc", size=(1, 2, 3))


def test_a_v1_compose_takes_it_and_workers_read_it():
    chain = v1.Compose([tc.transforms.Crop("rrc", 24), v1.ToTensor()])
    keyed = tc.datasets.Keyed(common.Pictures(chain), seed=5, return_boxes=True)
    for epoch, workers in ((0, 0), (1, 2)):
        keyed.set_epoch(epoch)
        loader = DataLoader(keyed, 4, num_workers=workers)
        for number, (views, found) in enumerate(loader):
            for at, (view, box) in enumerate(zip(views, found, strict=True)):
                index = 4 * number + at
                assert np.array_equal(box, common.keyed_box("rrc", index, epoch=epoch, seed=5))
                cut = common.by_pillow(common.pixels(index), box[0], 24)
                assert common.levels_apart(view.movedim(0, 2) * 255, cut) <= 1


def test_twenty_steps_train():
    views = tc.transforms.Views("gcc:scale=0.6,sigma=0.1", size=24, then=v2.ToImage())
    keyed = tc.datasets.Keyed(common.Pictures(views))
    batches = []
    for epoch in range(20):
        keyed.set_epoch(epoch)
        batches += [[view / 255 for view in batch] for batch in DataLoader(keyed, 8)]
    assert common.has_learned(common.train(batches))


def test_a_moving_policy_on_an_entry_must_be_told_the_epoch():
    crop = tc.transforms.Crop("rrc:scale=0.5..1->0.1..0.2,over=4", 8)
    sample = {"image": common.picture(), "name": "a", "epoch": 3}
    with pytest.raises(ValueError, match="must be told it"):
        tc.datasets.OnEntry(crop, "image", boxes="boxes")(sample)
    told = tc.datasets.OnEntry(crop, "image", index="name", epoch="epoch", boxes="boxes")(sample)
    x1, y1, x2, y2 = told["boxes"][0].tolist()
    assert (x2 - x1) * (y2 - y1) < 0.25 * common.HEIGHT * common.WIDTH
    assert sample.keys() == {"image", "name", "epoch"}, "the sample itself is left as it is"


def test_a_keyed_data_set_lets_hosts_set_its_transform():
    keyed = tc.datasets.Keyed(common.Pictures(None))
    keyed.transform = tc.transforms.Crop("rrc", 8)
    assert keyed.transform is keyed.dataset.transform
    assert keyed[0].size == (8, 8)

"""The torchvision classes: the same pixels as `cut`, for every kind of input."""

import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms as v1, tv_tensors
from torchvision.transforms import InterpolationMode, v2

import tamecrop as tc
from tamecrop.views import samples
from tamecrop.views.adapters.lightly import SimCLRViews
from tamecrop.views.tensors import cut_one
from tamecrop.views.transforms import Crop, Views

LAWS = ("rrc", "rc:scale=0.5", "gcc:scale=0.5,sigma=0.5", "gcc:scale=0.5,sigma=0.5,border=recenter")


BOX = np.array([[8, 4, 30, 24]])
CROP = Crop("rrc", size=8)


def photograph():
    pixels = torch.randint(1, 256, (3, 40, 60), generator=torch.Generator().manual_seed(2))
    return pixels.to(torch.uint8)


@pytest.mark.parametrize("law", LAWS)
def test_views_are_what_cut_gives_for_their_boxes(law):
    torch.manual_seed(0)
    transform = Views(law, views=3, fill=9)
    for _ in range(5):
        views, boxes = transform.with_boxes(photograph())
        for view, box in zip(views, boxes, strict=True):
            expected = cut_one(photograph(), box[None], fill=9, content=transform.policy.content)
            assert torch.equal(view, expected[0])


def test_views_of_another_box_differ():
    torch.manual_seed(0)
    views, boxes = Views("rc:scale=0.5").with_boxes(photograph())
    assert not torch.equal(views[0], cut_one(photograph(), boxes[:1] + 1)[0])


@pytest.mark.parametrize("law", LAWS)
def test_a_seed_gives_the_same_crop_again_and_another_one_does_not(law):
    crop = Crop(law, size=16)
    crops = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        crops.append(crop(photograph()))
    assert torch.equal(crops[0], crops[1])
    assert not torch.equal(crops[0], crops[2])


def test_pil_gives_pil_of_the_same_mode_and_pixels():
    picture = Image.fromarray(photograph().permute(1, 2, 0).numpy())
    torch.manual_seed(0)
    cropped = Crop("gcc:scale=0.5,sigma=0.5")(picture)
    torch.manual_seed(0)
    tensor = Crop("gcc:scale=0.5,sigma=0.5")(photograph())
    assert cropped.mode == "RGB"
    assert np.array_equal(np.asarray(cropped), tensor.permute(1, 2, 0).numpy())


def test_masks_boxes_and_unknown_leaves_travel_along():
    image = tv_tensors.Image(photograph())
    mask = tv_tensors.Mask((photograph()[:1] > 128).to(torch.uint8))
    boxes = tv_tensors.BoundingBoxes(
        torch.tensor([[20, 15, 32, 25]]), format="XYXY", canvas_size=(40, 60)
    )
    label = object()
    torch.manual_seed(1)
    sample = Crop("gcc:scale=0.9,sigma=0.1", fill=200)(
        {"image": image, "mask": mask, "boxes": boxes, "label": label}
    )
    assert sample["label"] is label
    assert sample["mask"].shape[-2:] == sample["image"].shape[-2:] == sample["boxes"].canvas_size
    x1, y1, x2, y2 = sample["boxes"][0].tolist()
    assert torch.equal(sample["image"][:, y1:y2, x1:x2], image[:, 15:25, 20:32])
    outside = (sample["image"] == 200).all(dim=0)
    assert (sample["mask"][0][outside] == 0).all()


@pytest.mark.skipif(not hasattr(tv_tensors, "KeyPoints"), reason="torchvision before 0.23")
def test_key_points_travel_along():
    points = tv_tensors.KeyPoints(torch.tensor([[20, 15], [31, 24]]), canvas_size=(40, 60))
    torch.manual_seed(1)
    crop, moved = Crop("gcc:scale=0.9,sigma=0.1")(tv_tensors.Image(photograph()), points)
    (x1, y1), (x2, y2) = moved.tolist()
    inner = photograph()[:, 15:25, 20:32]
    assert torch.equal(crop[:, y1 : y2 + 1, x1 : x2 + 1], inner)


def test_shared_means_hold_in_a_pair():
    torch.manual_seed(0)
    law = Views("mgcc:scale=0.1,sigma=0.001")
    centers = [law.with_boxes(photograph())[1][:, :2] for _ in range(20)]
    assert max(np.abs(each[0] - each[1]).max() for each in centers) <= 1
    assert np.ptp([each[0, 0] for each in centers]) > 5


def test_transforms_survive_pickling():
    again = pickle.loads(pickle.dumps(Crop("gcc:scale=0.4", size=8)))
    assert repr(again) == "Crop('gcc:scale=0.4,sigma=0.2165', size=8)"
    assert again(photograph()).shape == (3, 8, 8)


def test_wrong_settings_are_refused_at_once():
    with pytest.raises(ValueError, match="`size` must satisfy size >= 1, an integer, got 0"):
        Crop("rc", size=0)
    with pytest.raises(ValueError, match="did you mean 'bicubic'"):
        Crop("rc", interpolation="bicubi")
    with pytest.raises(TypeError, match="needs an image"):
        Crop("rc")({"label": 3})


def test_lightly_gets_a_list_of_normalized_views():
    picture = Image.fromarray(photograph().permute(1, 2, 0).numpy())
    views = SimCLRViews("gcc:scale=0.4", size=24)(picture)
    assert [tuple(view.shape) for view in views] == [(3, 24, 24)] * 2
    assert views[0].dtype == torch.float32


MULTI_CROP = "2x rrc:scale=0.4..1 @24 + 3x rc:scale=0.1 @12x16"


def as_input(kind):
    pixels = photograph()
    if kind == "pil":
        return Image.fromarray(pixels.permute(1, 2, 0).numpy())
    return pixels if kind == "tensor" else tv_tensors.Image(pixels)


def stamp(image, text="rc:scale=0.5"):
    """A sample whose object box lies in a corner."""
    boxes = tv_tensors.BoundingBoxes(
        torch.tensor([[50, 30, 8, 8]]), format="XYWH", canvas_size=(40, 60)
    )
    return {"image": image, "boxes": boxes, "labels": torch.tensor([3])}


class Pictures(Dataset):
    def __init__(self, transform):
        self.transform = transform

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return self.transform(photograph() + 0 * index)


def test_a_plan_gives_the_views_of_its_groups_one_after_the_other():
    transform = Views(MULTI_CROP, return_boxes=True)
    views, boxes = transform(photograph())
    assert [tuple(view.shape) for view in views] == [(3, 24, 24)] * 2 + [(3, 12, 16)] * 3
    assert boxes.shape == (5, 4)
    assert boxes.dtype == torch.int64
    assert len({tuple(box) for box in boxes.tolist()}) == 5
    assert repr(transform).startswith("Views('2x rrc:scale=0.4..1 @24 + 3x rc:scale=0.1 @12x16'")
    with pytest.raises(ValueError, match="needs a plan of one group"):
        _ = transform.policy


def test_views_of_a_plan_are_those_of_its_policies_with_keys_that_count_on():
    torch.manual_seed(5)
    _, boxes = Views(MULTI_CROP).with_boxes(photograph())
    torch.manual_seed(5)
    seed = int(torch.randint(2**62, ()).item())
    expected = tc.plan(MULTI_CROP).draw((40, 60), index=[0], seed=seed)
    assert np.array_equal(boxes, np.concatenate(expected, axis=1)[0])


@pytest.mark.parametrize("kind", ["pil", "tensor", "image"])
def test_then_is_applied_to_each_view_with_draws_of_its_own(kind):
    torch.manual_seed(0)
    transform = Views("rc:scale=1", views=40, then=v2.RandomHorizontalFlip())
    views = [v2.functional.to_image(view) for view in transform(as_input(kind))]
    flipped = [torch.equal(view, photograph().flip(-1)) for view in views]
    as_they_were = [torch.equal(view, photograph()) for view in views]
    assert sum(flipped) + sum(as_they_were) == 40
    assert 8 < sum(flipped) < 32


def test_then_gets_the_inputs_of_a_sample_as_compose_would():
    got = Views("rc:scale=0.5", then=lambda image, label: (image.shape, label))(photograph(), 7)
    assert got == [((3, 28, 42), 7)] * 2


@pytest.mark.parametrize("kind", ["pil", "tensor", "image"])
@pytest.mark.parametrize("pair", [True, False])
def test_a_transform_behind_views_is_refused(kind, pair):
    views = Views("rc:scale=0.5", return_boxes=pair)
    for behind in (v2.RandomHorizontalFlip(1), v2.ToDtype(torch.float32), v2.Lambda(lambda x: x)):
        with pytest.raises(TypeError, match=r"give it as Views\(\.\.\., then=transform\)"):
            v2.Compose([views, behind])(as_input(kind))
    with pytest.raises(TypeError):
        v1.Compose([views, v1.ToTensor()])(as_input(kind))


def test_views_are_a_list_wherever_they_go():
    views = Views("rc:scale=0.5")(photograph())
    assert isinstance(views, list)
    assert type(pickle.loads(pickle.dumps(views))) is list
    for workers in (0, 1):
        batch = next(iter(DataLoader(Pictures(Views("rc:scale=0.5")), 4, num_workers=workers)))
        assert type(batch) is list
        assert [tuple(view.shape) for view in batch] == [(4, 3, 28, 42)] * 2


@pytest.mark.parametrize("kind", ["pil", "tensor", "image"])
def test_views_and_crop_select_inputs_as_torchvision_does(kind):
    label, other = torch.tensor([[1.0, 2.0]]), photograph()
    sample = (as_input(kind), label, {"more": other})
    theirs = v2.RandomResizedCrop(8)(*sample)
    for ours in (Crop("rrc", 8)(*sample), Views("rrc", 1, 8)(*sample)[0]):
        assert ours[1] is label
        assert theirs[1] is label
        assert (ours[2]["more"] is other) == (theirs[2]["more"] is other)
        assert v2.query_size([ours[0]]) == (8, 8)
    with_boxes = stamp(as_input(kind))
    for ours in (Crop("rrc", 8)(with_boxes), Views("rrc", 1, 8)(with_boxes)[0]):
        assert torch.equal(ours["labels"], torch.tensor([3]))
        assert ours["boxes"].canvas_size == (8, 8)


def test_crop_has_torchvisions_four_parameters():
    params = Crop("gcc:scale=0.5,sigma=1").make_params([photograph()])
    assert sorted(params) == ["height", "left", "top", "width"]
    assert all(type(value) is int for value in params.values())
    image = v2.functional.resized_crop(photograph(), **params, size=[8, 8])
    assert image.shape == (3, 8, 8)


@pytest.mark.parametrize("text", ["mgcc:scale=0.4", "jointcrop", "rrc:pair=iou"])
def test_policies_that_relate_views_are_refused_by_crop_with_the_way_out(text):
    with pytest.raises(ValueError, match=r"use Views\('"):
        Crop(text)
    assert len(Views(text)(photograph())) == 2
    alone = {"mgcc:scale=0.4": "mgcc:pair=independent", "jointcrop": "jointcrop:extent=random"}
    Crop(alone.get(text, "rrc:pair=independent"))(photograph())


@pytest.mark.parametrize("text", ["jointcrop", "rrc:pair=iou"])
def test_a_number_of_views_that_a_policy_cannot_draw_is_refused_at_once(text):
    with pytest.raises(ValueError, match=r"`views` must be 2 with .*, got 3"):
        Views(text, views=3)


OBJECT = "gcc:scale=0.01,sigma=0.001,mean=given"


@pytest.mark.parametrize("make", [Crop, Views])
def test_object_boxes_come_from_the_sample_or_an_argument(make):
    transform = make(OBJECT)

    def middles(*sample, **boxes):
        found = transform(*sample, **boxes)
        views = found if make is Views else [found]
        x = torch.arange(60).expand(3, 40, 60)
        assert all(torch.isin(view["image"], x).all() for view in views)
        return [view["image"].float().mean().item() for view in views]

    image = torch.arange(60, dtype=torch.uint8).expand(3, 40, 60).contiguous()
    assert all(abs(x - 53.5) < 1 for x in middles(stamp(tv_tensors.Image(image))))
    plain = {"image": image}
    assert all(abs(x - 9.5) < 1 for x in middles(plain, object_boxes=[[8, 8, 12, 12]]))
    assert all(abs(x - 29.5) < 1 for x in middles(plain))
    none = stamp(tv_tensors.Image(image)) | {
        "boxes": tv_tensors.BoundingBoxes(torch.empty(0, 4), format="XYXY", canvas_size=(40, 60))
    }
    assert all(abs(x - 29.5) < 1 for x in middles(none))
    several = [[8, 8, 12, 12], [48, 8, 52, 12]]
    torch.manual_seed(0)
    seen = {round(middles(plain, object_boxes=several)[0], -1) for _ in range(20)}
    assert seen == {10, 50}
    with pytest.raises(ValueError, match=r"`object_boxes` must satisfy a shape \(k, 4\)"):
        transform(plain, object_boxes=[1, 2, 3, 4])


BESIDE = {
    "negative": ([[-10.0, -10, 5, 5]], [2.5, 2.5]),
    "larger than the image": ([[-1e9, -1e9, 1e9, 1e9]], [30, 20]),
    "endless": ([[0.0, 0, np.inf, 10]], [30, 5]),
    "outside": ([[100.0, 100, 120, 120]], None),
    "not a number": ([[np.nan] * 4], None),
    "swapped": ([[20.0, 20, 5, 5]], None),
    "without an area": ([[5.0, 5, 5, 5]], None),
    "none": (np.empty((0, 4)), None),
    "one of two outside": ([[100.0, 100, 120, 120], [8, 8, 12, 12]], [10, 10]),
}


@pytest.mark.parametrize("name", BESIDE)
@pytest.mark.parametrize("make", [Crop, Views])
def test_object_boxes_are_those_parts_that_lie_in_the_image(make, name):
    boxes, middle = BESIDE[name]
    transform = make(OBJECT)
    rows, columns = torch.arange(40).view(1, 40, 1), torch.arange(60).view(1, 1, 60)
    image = torch.cat([columns.expand(1, 40, 60), rows.expand(1, 40, 60)]).float()
    stamped = tv_tensors.BoundingBoxes(
        torch.as_tensor(np.array(boxes)), format="XYXY", canvas_size=(40, 60)
    )
    for sample, more in (((image,), {"object_boxes": boxes}), (({"i": image, "b": stamped},), {})):
        found = transform(*sample, **more)
        view = found[0] if make is Views else found
        pixels = view if isinstance(view, torch.Tensor) else view["i"]
        seen = (pixels.mean(dim=(1, 2)) + 0.5).tolist()
        assert seen == pytest.approx(middle or [30, 20], abs=2.1)


def test_turned_boxes_stand_for_those_around_them():
    if not hasattr(tv_tensors.BoundingBoxFormat, "CXCYWHR"):
        pytest.skip("this torchvision has no turned boxes")
    boxes = tv_tensors.BoundingBoxes(
        torch.tensor([[20.0, 20, 10, 4, 90]]), format="CXCYWHR", canvas_size=(40, 60)
    )
    found = samples.find_object_boxes([boxes], None, (40, 60))
    assert found == pytest.approx(np.array([[18, 15, 22, 25]]), abs=1e-4)


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        ((), "a crop needs an image, got no input"),
        (
            (torch.zeros(40, 60),),
            r"real numbers \(..., C, H, W\), got torch.float32 of .*\(40, 60\)",
        ),
        ((torch.zeros(3, 40, 60, dtype=torch.complex64),), "got torch.complex64"),
        (("a.jpg",), "a crop needs an image, got none"),
        ((None,), "a crop needs an image, got none"),
    ],
)
@pytest.mark.parametrize("make", [Crop, Views])
def test_what_is_no_image_is_refused_in_one_line(make, sample, said):
    with pytest.raises(TypeError, match=said):
        make("rc:scale=0.5", size=16)(*sample)


@pytest.mark.parametrize(
    "dtype", [torch.uint8, torch.uint16, torch.int64, torch.bool, torch.float16, torch.float64]
)
def test_values_of_any_type_and_range_keep_both(dtype):
    image = (photograph().double() * 3 - 100).clamp(0, 700).to(dtype)
    view = Crop("rc:scale=0.5", size=16, interpolation="nearest")(image)
    assert view.dtype == dtype
    assert torch.isin(view.double(), image.double()).all()


AFTER = [
    v1.RandomHorizontalFlip(1), v1.ColorJitter(0.4), v1.ToTensor(), v1.Resize(8),
    v1.Normalize([0.5] * 3, [0.5] * 3), v1.CenterCrop(8), v1.Grayscale(),
    v1.RandomApply([v1.ColorJitter(0.4)], p=1),
]  # fmt: skip


@pytest.mark.parametrize("after", AFTER, ids=lambda after: type(after).__name__)
@pytest.mark.parametrize("kind", ["pil", "tensor"])
def test_transforms_of_the_first_version_behind_views_say_what_to_do(after, kind):
    pipeline = v1.Compose([Views("rc:scale=0.5", size=16), after])
    with pytest.raises(TypeError, match=r"give this transform as Views\(..., then=transform\)"):
        pipeline(as_input(kind))
    stack = v1.Compose([Views("rc:scale=0.5", size=16), v1.Lambda(torch.stack)])
    assert stack(photograph()).shape == (2, 3, 16, 16)


@pytest.mark.parametrize("size", [16, [16], (16, 16), np.int64(16), np.array([16, 16])])
def test_sizes_are_those_of_torchvision(size):
    assert Crop("rrc", size)(photograph()).shape == (3, 16, 16)
    assert Views("rrc", np.int64(3), size)(photograph())[2].shape == (3, 16, 16)


@pytest.mark.parametrize("mode", ["bicubic", InterpolationMode.BICUBIC, 3, Image.BICUBIC])
def test_interpolation_is_a_name_an_enum_or_a_number(mode):
    torch.manual_seed(1)
    first = Crop("rrc", 16, mode)(photograph())
    torch.manual_seed(1)
    assert torch.equal(first, Crop("rrc", 16, "bicubic")(photograph()))
    torch.manual_seed(1)
    assert not torch.equal(first, Crop("rrc", 16)(photograph()))


AROUND = "gcc:scale=1,sigma=0.2"


@pytest.mark.parametrize(
    ("fill", "image", "mask"),
    [
        (9, 9, 0),
        ([9, 9, 9], 9, 0),
        ({tv_tensors.Image: 7, tv_tensors.Mask: 5}, 7, 5),
        ({"others": 4}, 4, 0),
        (300.0, 255, 0),
        (8.6, 9, 0),
        ({torch.Tensor: 3}, 0, 0),
    ],
)
def test_fill_is_a_number_a_list_or_a_dict_and_fits_the_pixels(fill, image, mask):
    torch.manual_seed(1)
    sample = {
        "image": tv_tensors.Image(torch.full((3, 20, 20), 77, dtype=torch.uint8)),
        "mask": tv_tensors.Mask(torch.ones(1, 20, 20, dtype=torch.uint8)),
    }
    view = Crop(AROUND, fill=fill)(sample)
    assert set(view["image"].unique().tolist()) == {image, 77}
    assert set(view["mask"].unique().tolist()) == {mask, 1}


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"size": [8, 8, 8]}, ValueError, "`size` must satisfy one side or"),
        ({"size": 0}, ValueError, "`size` must satisfy size >= 1"),
        ({"size": 8.5}, ValueError, "`size` must satisfy size >= 1, an integer, got 8.5"),
        ({"size": "8"}, ValueError, "an integer, got '8'"),
        ({"fill": "red"}, TypeError, "`fill` must be a number, one per channel, or a dict"),
        ({"fill": {"image": 3}}, TypeError, "`fill` must have types or 'others' as keys"),
        ({"fill": float("nan")}, TypeError, "`fill` must be a number"),
        ({"interpolation": 9}, ValueError, "a number of Pillow, 0 to 5"),
        ({"interpolation": None}, TypeError, "`interpolation` must be a text, enum or int"),
        ({"key": ("a", "b", "c")}, ValueError, "`key` must satisfy names of the entries"),
        ({"seed": 2**63}, ValueError, "`seed` must satisfy an integer of 64 bits"),
    ],
)
@pytest.mark.parametrize("make", [Crop, Views])
def test_arguments_are_checked_at_construction(make, settings, error, message):
    with pytest.raises(error, match=message):
        make("rc", **settings)


def test_arguments_of_views_are_checked_at_construction():
    with pytest.raises(TypeError, match="`then` must be a transform, got 3"):
        Views("rc", then=3)
    with pytest.raises(ValueError, match="`views` must satisfy views >= 1"):
        Views("rc", views=0)


def test_a_numpy_image_and_a_fill_of_other_channels_are_refused_in_one_line():
    with pytest.raises(TypeError, match=r"v2\.ToImage\(\) makes one of a NumPy array"):
        Crop("rc")(np.zeros((8, 8, 3), dtype=np.uint8))
    torch.manual_seed(1)
    with pytest.raises(ValueError, match="`fill` must satisfy one number or one for each of 3"):
        Crop(AROUND, fill=[1, 2])(photograph())
    with pytest.raises(TypeError, match=r"got a tensor of shape \(4,\)"):
        Crop("rc")(torch.zeros(4))


@pytest.mark.parametrize("make", [Crop, Views])
def test_a_key_in_the_sample_decides_the_boxes(make):
    transform = make("rrc", size=8, key=("index", "epoch"), seed=4)

    def view(index, epoch):
        found = transform({"image": photograph(), "index": index, "epoch": epoch})
        return (found[0] if make is Views else found)["image"]

    policy = tc.policy("rrc")
    x1, y1, x2, y2 = policy.draw((40, 60), index=[6], epoch=2, seed=4)[0, 0].tolist()
    expected = v2.functional.resized_crop(photograph(), y1, x1, y2 - y1, x2 - x1, [8, 8])
    assert torch.equal(view(6, 2), expected)
    assert torch.equal(view(torch.tensor(6), np.int64(2)), expected)
    assert not torch.equal(view(6, 3), expected)
    with pytest.raises(ValueError, match="`key` names 'epoch', which the sample lacks"):
        transform({"image": photograph(), "index": 3})
    with pytest.raises(TypeError, match="`key` needs a sample that is a mapping"):
        transform(photograph())


def keyed(transform, epoch):
    dataset = tc.datasets.Keyed(Pictures(transform), seed=9)
    dataset.set_epoch(epoch)
    return dataset


def test_a_keyed_data_set_hands_index_and_epoch_to_its_crops():
    crop = Crop("rrc", 8)
    twice = keyed(v2.Lambda(lambda x: torch.stack([crop(x), crop(x)])), epoch=2)
    boxes = tc.policy("rrc").draw((40, 60), index=[5], epoch=2, seed=9)[0].tolist()
    expected = torch.stack(
        [
            v2.functional.resized_crop(photograph(), y1, x1, y2 - y1, x2 - x1, [8, 8])
            for x1, y1, x2, y2 in boxes
        ]
    )
    assert torch.equal(twice[5], expected)
    assert torch.equal(twice[-3], expected)
    twice.set_epoch(3)
    assert not torch.equal(twice[5], expected)
    assert tc.datasets.current_key() is None


def test_boxes_of_a_keyed_data_set_do_not_depend_on_workers():
    dataset = keyed(Views("rrc", size=8), epoch=0)
    persistent = DataLoader(dataset, 4, num_workers=2, persistent_workers=True)
    plain = DataLoader(dataset, 2, num_workers=0)
    seen = []
    for epoch in range(3):
        dataset.set_epoch(epoch)
        first, second = (
            torch.cat([torch.stack(views) for views in loader], dim=1)
            for loader in (persistent, plain)
        )
        assert torch.equal(first, second)
        seen.append(first)
    assert not torch.equal(seen[0], seen[1])
    without = [torch.cat([view for view, _ in DataLoader(dataset.dataset, 4)]) for _ in range(2)]
    assert not torch.equal(*without)


def test_a_data_set_without_length_is_refused():
    with pytest.raises(TypeError, match="`dataset` must have __getitem__ and __len__, got int"):
        tc.datasets.Keyed(3)


@pytest.mark.parametrize(
    "call",
    [
        Crop("gcc:scale=0.5,sigma=0.5", size=8),
        Views("gcc:scale=0.5,sigma=0.5", size=8),
        lambda image: CROP(image * 2) * 2,
        lambda image: cut_one(image, BOX, size=8) * 2,
        lambda image: tc.cut(image[None], BOX[None], size=8) * 2,
    ],
)
def test_what_is_compiled_does_what_it_did_however_often(call):
    compiled = torch.compile(call, backend="eager")
    for seed in range(3):
        torch.manual_seed(seed)
        expected = call(photograph())
        torch.manual_seed(seed)
        found = compiled(photograph())
        for ours, theirs in zip(found, expected, strict=True):
            assert torch.equal(ours, theirs)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "LA"])
def test_lightly_gets_views_of_pictures_of_any_mode(mode):
    picture = Image.fromarray(photograph().permute(1, 2, 0).numpy()).convert("L").convert(mode)
    views = SimCLRViews("gcc:scale=0.4", size=24)(picture)
    assert [tuple(view.shape) for view in views] == [(3, 24, 24)] * 2


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_pictures_of_more_than_8_bits_are_refused_in_one_line(mode):
    with pytest.raises(TypeError, match="must be made one of 8 bits"):
        SimCLRViews("gcc:scale=0.4", size=24)(Image.new(mode, (32, 32)))


def test_a_policy_that_moves_with_the_epoch_must_be_told_it():
    text = "rc:scale=0.1->0.9,over=5"
    with pytest.raises(ValueError, match="must be told it"):
        Crop(text)(photograph())
    with pytest.raises(ValueError, match=r"needs key=\(INDEX, EPOCH\)"):
        Views(text, key="index")
    crop = Crop(text, key=("index", "epoch"))
    sides = [
        crop({"image": photograph(), "index": 0, "epoch": epoch})["image"].shape[-1]
        for epoch in (0, 4)
    ]
    assert sides == [19, 57]
    assert keyed(Crop(text), epoch=4)[0].shape[-1] == 57

"""What people hand over by mistake: boxes of another form, channels first, a forgotten epoch."""

import pickle
import warnings

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset
from torchvision import tv_tensors

import tamecrop as tc
from tamecrop.learning.config import Pretraining

IMAGE = torch.arange(1600, dtype=torch.float32).reshape(1, 40, 40)
OBJECT = "ccrop:a=0.1"


def stamp(rows, form):
    return tv_tensors.BoundingBoxes(rows, format=form, canvas_size=(40, 40))


def boxes_of(**how):
    torch.manual_seed(0)
    return tc.transforms.Views(OBJECT, views=8, size=8, return_boxes=True)(IMAGE, **how)[1]


@pytest.mark.parametrize(
    ("form", "rows"),
    [
        ("XYXY", [[20, 20, 30, 35]]),
        ("XYWH", [[20, 20, 10, 15]]),
        ("CXCYWH", [[25, 27.5, 10, 15]]),
    ],
)
def test_object_boxes_that_say_their_form_are_read_in_it(form, rows):
    stated = boxes_of(object_boxes=stamp(rows, form))
    assert torch.equal(stated, boxes_of(object_boxes=[[20, 20, 30, 35]]))
    assert not torch.equal(stated, boxes_of())


def test_boxes_that_say_they_are_no_corners_are_refused():
    wrong, right = stamp([[2, 2, 9, 9]], "XYWH"), stamp([[2, 2, 9, 9]], "XYXY")
    said = r"must satisfy corners \(x1, y1, x2, y2\), XYXY, got 'XYWH'"
    with pytest.raises(ValueError, match=f"`boxes` {said}"):
        tc.cut(IMAGE, wrong)
    with pytest.raises(ValueError, match=f"`object_boxes` {said}"):
        tc.policy(OBJECT).draw((40, 40), index=[0], object_boxes=wrong)
    with pytest.raises(ValueError, match=f"`boxes` {said}"):
        tc.audit(np.zeros((1, 3, 40, 40), np.uint8), "gcc", boxes=[wrong])
    assert torch.equal(tc.cut(IMAGE, right)[0], IMAGE[:, 2:9, 2:9])


def test_object_boxes_that_are_fractions_are_told():
    with pytest.warns(UserWarning, match="are they fractions of the image"):
        boxes_of(object_boxes=[[0.1, 0.1, 0.5, 0.5]])
    with pytest.raises(ValueError, match="`boxes` must be pixels, got fractions from 0 to 1"):
        tc.audit(np.zeros((1, 3, 40, 40), np.uint8), "gcc", boxes=[[[0.1, 0.1, 0.5, 0.5]]])


@pytest.mark.parametrize(
    "rows",
    [[[0.0, 0, 0.5, 0.5]], [[1.5, 0, 2, 2]], [[0, 0, 1, 1]], [[0.5, 0.5, 1, 1], [2, 2, 9, 9]]],
)
def test_small_objects_in_a_corner_are_no_fractions(rows):
    boxes_of(object_boxes=rows)  # a warning is an error here


@pytest.mark.parametrize("side", [5, 40])
def test_arrays_with_channels_first_are_not_cut_across_them(side):
    images = np.zeros((2, 3, side, side), np.uint8)
    boxes = np.tile([1, 1, 3, 3], (2, 2, 1))
    said = r"channels last, \(H, W, C\), got \(3, \d+, \d+\): move the axis, or give tensors"
    for size in (None, 4):
        with pytest.raises(ValueError, match=said):
            tc.cut(images, boxes, size=size)
        with pytest.raises(ValueError, match=said):
            tc.cut([*images], boxes, size=size)
    assert tc.cut(images.transpose(0, 2, 3, 1), boxes).shape == (2, 2, 2, 2, 3)
    assert tc.cut(torch.from_numpy(images), boxes).shape == (2, 2, 3, 2, 2)
    bands = np.zeros((2, 3, 5, 4), np.uint8)  # low, with four channels
    assert tc.cut(bands, boxes).shape == (2, 2, 2, 2, 4)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_tensors_with_channels_last_are_not_cut_across_them(dtype):
    image, box = torch.zeros(40, 30, 3, dtype=dtype), np.array([[1, 1, 3, 3]])
    for wrong in (lambda: tc.cut(image, box), lambda: tc.cut([image], box[None], size=4)):
        with pytest.raises(ValueError, match=r"must have shape \(C, H, W\), got \(40, 30, 3\)"):
            wrong()
    with pytest.raises(ValueError, match=r"must have shape \(N, C, H, W\)"):
        tc.cut(image[None], box[None])
    crop, views = (make("gcc", size=8) for make in (tc.transforms.Crop, tc.transforms.Views))
    for transform in (crop, views):
        for given in (image, tv_tensors.Image(image), image[None]):
            with pytest.raises(TypeError, match=r"channels first, .*\(40, 30, 3\)|1, 40, 30, 3"):
                transform(given)
    assert crop(image.permute(2, 0, 1)).shape == (3, 8, 8)
    assert crop(torch.zeros(40, 2, 3, dtype=dtype)).shape == (40, 8, 8), "many bands, two rows"


def test_numbers_of_numpy_are_whole_numbers():
    views, side = np.int64(3), np.uint8(8)
    assert tc.policy("gcc").draw((40, 40), views=views).shape == (1, 3, 4)
    assert len(tc.transforms.Views("gcc", views=views, size=side)(IMAGE)) == 3
    settings = Pretraining(epochs=np.int64(12), learning_rate=np.float32(0.5))
    assert settings == Pretraining(epochs=12, learning_rate=0.5)
    assert {type(value) for value in (settings.epochs, settings.learning_rate)} == {int, float}
    for wrong in (True, np.True_, 2.0, "2"):
        with pytest.raises(ValueError, match="`views` must satisfy views >= 1, an integer"):
            tc.policy("gcc").draw((40, 40), views=wrong)


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("GCC", "gcc"),
        ("Rrc:scale=0.2..1", "rrc"),
        ("RandomResizedCrop", "rrc"),
        ("ccropp", "ccrop"),
    ],
)
def test_names_that_are_nearly_right_have_a_hint(text, ours):
    with pytest.raises(ValueError, match=f"unknown crop policy '.*': did you mean '{ours}'"):
        tc.policy(text)


def test_spaces_around_the_words_of_a_policy_mean_nothing():
    assert tc.policy(" gcc : scale = 0.4 ") == tc.policy("gcc:scale=0.4")


class Squares(Dataset):
    def __init__(self, n=4):
        self.n, self.transform = n, tc.transforms.Crop("gcc:scale=0.4", size=8)

    def __len__(self):
        return self.n

    def __getitem__(self, place):
        return self.transform(IMAGE)


class Stream(IterableDataset):
    def __len__(self):
        return 4

    def __iter__(self):
        yield from range(4)


def test_a_stream_has_no_places():
    with pytest.raises(TypeError, match="`dataset` must have __getitem__ and __len__, got Stream"):
        tc.datasets.Keyed(Stream())


def passes(keyed, times, **how):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(times):
            for _ in DataLoader(keyed, batch_size=None, **how):
                pass
    # Python's own word on forking beside threads is none of ours.
    return [str(each.message) for each in told if each.category is UserWarning]


def test_who_forgets_the_epoch_is_told_once():
    assert passes(tc.datasets.Keyed(Squares()), 2) == []
    (said,) = passes(tc.datasets.Keyed(Squares()), 5)
    assert (
        said == "every pass over `Keyed` had the same boxes: call its set_epoch(EPOCH) before each"
    )
    meant = tc.datasets.Keyed(Squares())
    meant.set_epoch(0)
    assert passes(meant, 5) == []
    assert passes(Subset(pickle.loads(pickle.dumps(meant)), [0, 1, 2, 3]), 5) == []


def test_passes_of_workers_count_too():
    keyed = tc.datasets.Keyed(Squares())
    assert passes(keyed, 2, num_workers=1) == []
    with pytest.warns(UserWarning, match="call its set_epoch"):
        keyed[0]


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: tc.load(None), TypeError, "`data` must be a name or a path, got NoneType"),
        (lambda: tc.load(np.zeros(3)), TypeError, "`data` must be a name or a path, got ndarray"),
        (
            lambda: tc.evaluate("run", tc.load("scenes:count=30")),
            TypeError,
            "`backbone` must be a network, such as a run's `backbone`, got str",
        ),
        (
            lambda: tc.evaluate(torch.nn.Identity(), "scenes"),
            TypeError,
            r"`dataset` must be a Dataset, as tc.load\(DATA\) makes it, got str",
        ),
        (
            lambda: tc.pretrain("scenes", "rrc", Pretraining(), "out"),
            TypeError,
            r"`dataset` must be a Dataset, as tc.load\(DATA\) makes it, got str",
        ),
        (lambda: tc.recommend("photos"), TypeError, r"what tc.audit\(images, policies\) returns"),
        (
            lambda: tc.audit([(IMAGE, 1)], "gcc"),
            TypeError,
            r"`images` must hold images alone, got a tuple: give labels as `labels`",
        ),
        (
            lambda: tc.audit(np.zeros((4, 32, 32), np.uint8), "gcc"),
            ValueError,
            r"of gray images \(N, 1, H, W\), got \(4, 32, 32\)",
        ),
        (
            lambda: tc.compare("scenes:count=30", "gccc"),
            ValueError,
            "unknown crop policy 'gccc': did you mean 'gcc'",
        ),
    ],
)
def test_what_is_no_argument_is_named(call, error, said):
    with pytest.raises(error, match=said):
        call()


@pytest.mark.parametrize("make", [tc.transforms.Crop, tc.transforms.Views])
def test_a_fill_of_other_channels_is_refused_wherever_the_box_lies(make):
    crop = make("rc:scale=0.5", size=8, fill=(1, 2, 3, 4))  # never leaves the image
    with pytest.raises(ValueError, match="`fill` must satisfy one number or one for each of 3"):
        crop(torch.zeros(3, 16, 16))


def test_a_key_of_a_sample_is_a_whole_number_or_a_name():
    crop = tc.transforms.Crop("gcc", size=8, key=("id", "epoch"))

    def box_of(**key):
        return crop({"image": IMAGE, **key})["image"].mean().item()

    assert box_of(id=np.int32(3), epoch=torch.tensor(1)) == box_of(id=3, epoch=1)
    assert box_of(id="a/7", epoch=1) == box_of(id="a/7", epoch=1) != box_of(id="a/8", epoch=1)
    for wrong in (3.7, None):
        with pytest.raises(ValueError, match="`index` must satisfy an integer of 64 bits"):
            box_of(id=wrong, epoch=1)
        with pytest.raises(ValueError, match="`epoch` must satisfy an integer of 64 bits"):
            box_of(id=1, epoch=wrong)
    with pytest.raises(ValueError, match=r"names 'epoch', which the sample lacks: \['3', 'id'"):
        crop({"image": IMAGE, "id": 3, 3: 4})


def test_a_run_takes_a_folder_as_text_and_a_seed_of_numpy(tmp_path):
    settings = Pretraining(
        backbone="resnet7w16", epochs=np.int64(1), warmup_epochs=0, batch_size=np.int32(16)
    )
    data = tc.load("scenes:count=40")
    run = tc.pretrain(data, "rc:scale=0.5", settings, str(tmp_path / "run"), seed=np.int64(1))
    again = tc.pretrain(data, "rc:scale=0.5", settings, tmp_path / "run", seed=1)
    assert torch.equal(torch.as_tensor(run.losses), torch.as_tensor(again.losses))

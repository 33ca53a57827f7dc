"""Images of other than three channels: training, what is kept of it, audit, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import tamecrop as tc
from tamecrop.audit.reference.choose import choose_reference
from tamecrop.audit.reference.network import read_reference
from tamecrop.audit.subject import find_subject
from tamecrop.cli import main
from tamecrop.data import ImageSet, load
from tamecrop.learning.backbones import backbone
from tamecrop.learning.config import Pretraining
from tamecrop.learning.pretrain import pretrain
from tamecrop.learning.run_folder import open_run
from tamecrop.learning.watching import Hooks
from tamecrop.views.photometric import photometric

CONFIG = Pretraining(
    backbone="resnet7w16", epochs=2, warmup_epochs=0, batch_size=16, photometric="simclr"
)
LAW = tc.policy("rc:scale=0.6")
NAMES = ("resnet7w16", "resnet10w16", "resnet18")


def pixels(count, channels, dtype=np.uint16, top=10_000):
    """Each image a level of its own, so that ranges and features have something to tell."""
    random = np.random.default_rng(0)
    values = random.uniform(0, top, (count, 16, 16, channels))
    values[0], values[1] = 0, top
    return values.astype(dtype)


def archive(path, channels, dtype=np.uint16, count=48):
    images = pixels(count, channels, dtype)
    np.savez(path, train_images=images, train_labels=np.arange(count) % 2)
    return path


@pytest.mark.parametrize("channels", [1, 2, 4, 13])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stem", ["small", "imagenet"])
def test_a_backbone_takes_so_many_channels(name, channels, stem):
    network = backbone(name, stem=stem, channels=channels).eval()
    assert network(torch.zeros(2, channels, 32, 32)).shape == (2, network.features)
    with pytest.raises(RuntimeError, match="channels"):
        network(torch.zeros(2, 3, 32, 32))


@pytest.mark.parametrize("name", NAMES)
def test_three_channels_draw_the_weights_that_they_drew(name):
    def weights(**how):
        torch.manual_seed(0)
        return backbone(name, **how).state_dict()

    plain, named = weights(), weights(channels=3)
    assert all(torch.equal(plain[key], named[key]) for key in plain)


@pytest.mark.parametrize(
    ("channels", "dtype"), [(2, np.uint8), (4, np.uint16), (13, np.uint16), (13, np.float32)]
)
def test_a_set_of_any_channels_trains_and_is_evaluated(tmp_path, channels, dtype):
    data = load(archive(tmp_path / "a.npz", channels, dtype))
    said = []
    run = pretrain(data, LAW, CONFIG, tmp_path / "out", hooks=Hooks(warned=said.append))
    assert run.losses.isfinite().all()
    lost = f"without saturation, hue, gray: the images have {channels} channels"
    assert said.count(f"color step simclr {lost}") == 1, said
    again = open_run(tmp_path / "out")
    assert again.channels == channels
    kept, weights = again.backbone.state_dict(), run.backbone.state_dict()
    assert kept.keys() == weights.keys()
    assert all(torch.equal(kept[name], weights[name]) for name in weights)


def test_a_single_channel_in_memory_trains(tmp_path):
    data = load(archive(tmp_path / "a.npz", 2, np.uint8))
    one = ImageSet.in_memory(data.train.pixels[:, :1], labels=data.train.labels)
    gray = replace(data, train=one, mean=data.mean[:1], std=data.std[:1])
    pretrain(gray, LAW, CONFIG, tmp_path / "out")
    assert open_run(tmp_path / "out").channels == 1


def test_rgb_is_told_nothing_and_keeps_its_color_step(tmp_path):
    data = load("scenes:count=60")
    said = []
    pretrain(data, LAW, CONFIG, tmp_path / "out", hooks=Hooks(warned=said.append))
    assert not [line for line in said if "without" in line]
    assert open_run(tmp_path / "out").channels == 3
    assert photometric("simclr").for_channels(3) is photometric("simclr")


@pytest.mark.parametrize("name", ["simclr", "scenes"])
@pytest.mark.parametrize("channels", [1, 4, 13])
def test_what_is_left_of_a_color_step_is_what_it_was(name, channels):
    """Brightness, contrast, flip and inversion of a channel do not ask how many others there are.

    Contrast is about the mean of all channels, so they are copies of one here.
    """
    step = photometric(name)
    rest = replace(step, saturation=0.0, hue=0.0, gray=0.0)
    one = torch.rand(40, 2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    rgb = rest.apply(one.expand(-1, -1, 3, -1, -1))
    many = step.for_channels(channels).apply(one.expand(-1, -1, channels, -1, -1))
    torch.testing.assert_close(many, rgb[:, :, :1].expand_as(many))
    assert not torch.allclose(many, one.expand_as(many))
    assert step.left_out(channels).endswith(f"{channels} channels")
    assert photometric("paper").left_out(channels) == ""


def test_commands_train_evaluate_and_show_many_channels(tmp_path, capsys):
    source, out = str(archive(tmp_path / "a.npz", 13)), str(tmp_path / "out")
    few = [
        "--training.epochs=1", "--training.warmup_epochs=0", "--training.batch_size=8",
        "--training.backbone=resnet7w16", "--training.photometric=simclr",
    ]  # fmt: skip
    assert main(["pretrain", source, "--policy", str(LAW), *few, "--out", out]) == 0
    said = capsys.readouterr().out
    assert "color step simclr without saturation, hue, gray: the images have 13 channels" in said
    assert main(["evaluate", out, "--data", source]) == 0, capsys.readouterr().err
    sheet = str(tmp_path / "sheet.png")
    words = ["show", source, "--policies", str(LAW), "--photometric=simclr", "--out", sheet]
    assert main(words) == 0, capsys.readouterr().err
    assert "without saturation, hue, gray" in capsys.readouterr().out


@pytest.mark.parametrize("channels", [1, 2, 4, 13])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_arrays_of_any_channels_and_depth_are_audited(channels, dtype):
    top = {np.uint8: 255, np.uint16: 4095, np.float32: 1}[dtype]
    images = np.moveaxis(pixels(12, channels, dtype, top), -1, 1)
    found = find_subject(images)
    assert found.images.channels == channels
    held = found.images.image(1)
    assert held.dtype == torch.uint8
    assert held.min() == 255
    assert [note for note in found.notes if "deep pixels" in note] == [
        note for note in found.notes if dtype != np.uint8
    ]
    listed = find_subject([*images])
    assert all(torch.equal(listed.images.image(i), found.images.image(i)) for i in range(12))
    result = tc.audit(images, [LAW], reference="none")
    assert result is not None


def test_truth_values_are_black_and_white_and_mixed_channels_are_refused():
    assert find_subject(np.ones((3, 1, 8, 8), bool)).images.image(0).unique().tolist() == [255]
    with pytest.raises(ValueError, match=r"as many channels each, got \(4, 8, 8\)"):
        find_subject([np.zeros((3, 8, 8), np.uint8), np.zeros((4, 8, 8), np.uint8)])


def test_references_that_take_other_channels_are_refused(tmp_path):
    data = load(archive(tmp_path / "a.npz", 13, count=160))
    pretrain(data, LAW, CONFIG, tmp_path / "out")
    subject = find_subject(data)
    views = torch.randint(0, 255, (3, 13, 16, 16), dtype=torch.uint8)
    unlabeled = find_subject(views)
    missing = choose_reference(read_reference("auto"), unlabeled).missing
    assert "no published backbone takes 13 channels" in missing
    choose_reference(read_reference(f"run:{tmp_path / 'out'}"), subject)
    for wrong in ("torchvision:resnet18", "timm:resnet18"):
        with pytest.raises(ValueError, match=f"{wrong} takes 3 channels, and the images have 13"):
            choose_reference(read_reference(wrong), subject)
    rgb = find_subject(views[:, :3])
    with pytest.raises(ValueError, match="takes 13 channels, and the images have 3"):
        choose_reference(read_reference(f"run:{tmp_path / 'out'}"), rgb)
    assert tc.audit(data, [LAW], reference=f"run:{tmp_path / 'out'}") is not None


@pytest.mark.slow
def test_a_small_reference_learns_from_all_channels(tmp_path):
    data = load(archive(tmp_path / "a.npz", 13, count=160))
    assert tc.audit(data, [LAW], reference="small") is not None

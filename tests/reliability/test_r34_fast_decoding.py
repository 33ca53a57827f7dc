"""R34: views from JPEGs at a fraction of their size against full decoding and torchvision."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from torchvision.transforms.v2 import functional

from reliability import decoding
from tamecrop.data import scaled
from tamecrop.data.decode import PLAIN, DecodeError, Decoding, decode
from tamecrop.data.images import ImageSet
from tamecrop.data.loader import Loading, ViewLoader
from tamecrop.data.scaled import read_scaled
from tamecrop.geometry.plans import plan
from tamecrop.views import shrunk
from tamecrop.views.shrunk import cut_scaled, rows_for, shrink_for

PLANS = {
    "32": "6x rrc:scale=0.2..1 @32",
    "96": "6x rrc:scale=0.3..1 @96",
    "224": "4x rrc:scale=0.2..1 @224",
    "20x48": "6x gcc:scale=0.4,sigma=0.2,border=clamp @20x48",
    "leaves": "6x gcc:scale=0.6,sigma=0.3,border=pad @32",
}
FILES = {
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "4:2:0": {"subsampling": 2},
    "progressive": {"progressive": True},
    "gray": {"mode": "L"},
    "CMYK": {"mode": "CMYK"},
    **{f"orientation {turned}": {"turned": turned} for turned in range(2, 9)},
}
COCO = Path(__file__).parents[3] / "shared" / "data" / "coco128" / "images"
SIZES = ((640, 427), (323, 217), (1500, 1001))


needs_simplejpeg = pytest.mark.skipif(
    scaled._simplejpeg() is None, reason="simplejpeg is not installed"
)


@pytest.fixture(scope="module")
def photographs():
    return [Image.fromarray(load_sample_image(name)) for name in ("china.jpg", "flower.jpg")]


def saved(path, picture, *, turned=1, mode="RGB", **how):
    exif = Image.Exif()
    exif[0x0112] = turned
    picture.convert(mode).save(path, "JPEG", quality=92, exif=exif, **how)
    return path


def whole(path, views, boxes, fill):
    """Full decoding, torchvision's own padding and antialiased resize."""
    image = decode(path)
    height, width = image.shape[1:]
    made = []
    for group, part in zip(views.groups, boxes, strict=True):
        for x1, y1, x2, y2 in part.tolist():
            around = [max(-x1, 0), max(-y1, 0), max(x2 - width, 0), max(y2 - height, 0)]
            padded = functional.pad(image, around, fill=fill)
            corner = y1 + around[1], x1 + around[0]
            crop = functional.crop(padded, *corner, y2 - y1, x2 - x1)
            made.append(functional.resize(crop, list(group.size), antialias=True))
    return torch.stack(made)


def fast(path, views, boxes, fill):
    image = read_scaled(path, PLAIN, shrink_for(views, boxes), rows_for(views, boxes))
    return torch.cat(cut_scaled(image, views, boxes, fill=fill)), image.shrink


def differences(one, other):
    """Mean absolute difference in gray levels, and the share of pixels that differ by 8."""
    levels = (one.int() - other.int()).abs().float()
    return levels.mean().item(), (levels >= 8).float().mean().item()


def compare(path, text, fill=90):
    views = plan(text)
    boxes = [group[0] for group in views.draw(decode(path).shape[1:], seed=3, index=[7])]
    found, shrink = fast(path, views, boxes, fill)
    return *differences(found, whole(path, views, boxes, fill)), shrink


@pytest.mark.parametrize("kind", FILES)
def test_views_are_within_two_gray_levels_of_full_decoding(tmp_path, photographs, kind, record):
    """Of each file and plan: 2 levels in the mean, and 8 at fewer than a pixel in a hundred."""
    found = []
    for number, picture in enumerate(photographs):
        for size in SIZES:
            path = saved(tmp_path / f"{number}.jpg", picture.resize(size), **FILES[kind])
            found += [(*compare(path, text), size, name) for name, text in PLANS.items()]
    means, shares, shrinks = (np.array([row[i] for row in found]) for i in range(3))
    assert (means <= 2).all(), max(found)
    assert (shares < 0.01).all(), max(found, key=lambda row: row[1])
    assert set(shrinks) == {1, 2, 4, 8}
    assert (means[shrinks > 1] > 0).any()
    name = f"file{chr(ord('a') + [*FILES].index(kind))}"  # a part of a name has letters alone
    worst = f"worst mean {means.max():.2f} levels, {shares.max():.2%} of pixels by 8"
    record(
        f"R34.{name}",
        f"{kind}: {worst}",
        n=len(found),
        worst_mean=float(means.max()),
        worst_share=float(shares.max()),
    )


@pytest.mark.skipif(not COCO.is_dir(), reason="../shared/data/coco128 is not there")
def test_real_photographs_are_within_two_gray_levels(record):
    """Of each of COCO's: 2 levels in the mean; of all: 8 at fewer than a pixel in a hundred.

    Hard edges everywhere, at views of 32 px, take more than that of a photograph, so `exceed`.
    """
    files = sorted(COCO.rglob("*.jpg"))
    found = [compare(path, text) for path in files for text in PLANS.values()]
    means, shares, _ = (np.array(column) for column in zip(*found, strict=True))
    assert (means <= 2).all()
    assert shares.mean() < 0.01
    assert shares.max() < 0.03
    exceed = int((shares >= 0.01).sum())
    record(
        "R34.photographs",
        f"{len(files)} of COCO, {len(found)} cases: worst mean {means.max():.2f} levels, "
        f"{shares.mean():.2%} of all pixels by 8, {exceed} cases above 1 %, at most "
        f"{shares.max():.1%}",
        n=len(found),
        worst_mean=float(means.max()),
        share=float(shares.mean()),
        worst_share=float(shares.max()),
        exceed=exceed,
    )


def rounded(near, far, _):
    """A box in whole pixels of the shrunk image."""
    return shrunk._Grid(round(near), round(far), 0, None, near < 0, meets=True)


@pytest.mark.parametrize("wrong", ["no spare pixels", "whole pixels", "mirrored start forgotten"])
def test_worse_ways_are_seen(tmp_path, photographs, wrong, monkeypatch):
    if wrong == "no spare pixels":
        monkeypatch.setattr(shrunk, "_SPARE", 0.75)
    if wrong == "whole pixels":
        monkeypatch.setattr(shrunk, "_grid", rounded)
    if wrong == "mirrored start forgotten":
        monkeypatch.setattr(scaled, "_MIRRORED", {})
    path = saved(tmp_path / "a.jpg", photographs[0].resize((643, 429)), turned=3)
    found = [compare(path, text) for text in PLANS.values()]
    assert any(mean > 2 or share >= 0.01 for mean, share, _ in found)


def test_an_image_that_is_not_shrunk_is_the_same_to_the_bit(tmp_path, photographs):
    views = plan("2x rrc:scale=0.5..1 @300 + 2x gcc:scale=0.9,sigma=0.2,border=pad @300")
    for kind, how in FILES.items():
        path = saved(tmp_path / "a.jpg", photographs[1], **how)
        boxes = [group[0] for group in views.draw(decode(path).shape[1:], index=[1])]
        assert torch.equal(read_scaled(path, PLAIN, 1).pixels, decode(path)), kind
        made, shrink = fast(path, views, boxes, 9)
        assert shrink == 1
        assert torch.equal(made, whole(path, views, boxes, 9)), kind


@needs_simplejpeg
def test_both_decoders_give_the_same_pixels(tmp_path, photographs, monkeypatch):
    """So that the numbers of a run do not depend on what is installed."""
    for kind, how in FILES.items():
        path = saved(tmp_path / f"{kind}.jpg", photographs[0].resize((323, 217)), **how)
        for shrink in (1, 2, 4, 8):
            one = read_scaled(path, PLAIN, shrink)
            with monkeypatch.context() as patch:
                patch.setattr(scaled, "_simplejpeg", lambda: None)
                other = read_scaled(path, PLAIN, shrink)
            assert torch.equal(one.pixels, other.pixels), (kind, shrink)
            assert (one.over, one.mirrored) == (other.over, other.mirrored), (kind, shrink)


@pytest.mark.parametrize("without_simplejpeg", [False, True])
def test_damaged_files_are_named_by_both(tmp_path, photographs, monkeypatch, without_simplejpeg):
    """200 files cut short or overwritten: fast decoding refuses what full decoding refuses."""
    if without_simplejpeg:
        monkeypatch.setattr(scaled, "_simplejpeg", lambda: None)
    sound = saved(tmp_path / "a.jpg", photographs[0].resize((160, 107))).read_bytes()
    random, refused = np.random.default_rng(34), 0
    for number in range(200):
        content = bytearray(sound)
        if number % 2:
            place = int(random.integers(0, len(content) - 20))
            content[place : place + 20] = random.bytes(20)
        else:
            del content[int(random.integers(0, len(content) - 10)) :]
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(content)
        whole, *others = (
            answer(read, path)
            for read in (
                decode,
                lambda path: read_scaled(path, PLAIN, 2).pixels,
                lambda path: read_scaled(path, PLAIN, 1, 50).pixels,
            )
        )
        if isinstance(whole, DecodeError):
            assert [error.path for error in others] == [path, path], number
            refused += 1
        else:
            assert torch.equal(others[1][:, :50], whole[:, :50]), number
    assert 100 <= refused < 200


def answer(read, path):
    """The pixels of a file, or the error."""
    try:
        return read(path)
    except DecodeError as error:
        return error


def test_limits_and_other_formats_hold(tmp_path, photographs):
    path = saved(tmp_path / "a.jpg", photographs[0])
    with pytest.raises(DecodeError, match="more than 200000 pixels: 640 x 427"):
        read_scaled(path, Decoding(most_pixels=200_000), 8)
    for suffix in ("png", "webp", "tiff"):
        other = tmp_path / f"a.{suffix}"
        photographs[0].save(other)
        image = read_scaled(other, PLAIN, 8)
        assert image.shrink == 1
        assert torch.equal(image.pixels, decode(other))
    with pytest.raises(DecodeError, match=r"cannot open .*gone\.jpg"):
        read_scaled(tmp_path / "gone.jpg", PLAIN, 8)


def test_boxes_seldom_need_the_slow_kernel(monkeypatch):
    """Where the grid of a view's pixels cannot be continued to a whole pixel, Pillow is used."""
    random = np.random.default_rng(0)

    def share():
        met = [
            shrunk._grid(near / shrink, (near + side) / shrink, 224).meets
            for shrink in (2, 4, 8)
            for near, side in random.integers((0, 400 * shrink), (500, 900 * shrink), (1000, 2))
        ]
        return 1 - sum(met) / len(met)

    assert share() < 0.04
    monkeypatch.setattr(shrunk, "_CONTINUED", shrunk._USUALLY)
    assert share() > 0.08


def test_a_file_of_another_size_is_noticed(tmp_path, photographs):
    path = saved(tmp_path / "a.jpg", photographs[0])
    images = ImageSet(sizes=np.array([[427, 640]]), paths=(path,))
    assert images.scaled(0, 8).pixels.shape == (3, 54, 80)
    upper = images.scaled(0, 8, 200)
    assert upper.pixels.shape[1] + upper.below == 54
    saved(path, photographs[0].resize((640, 400)))
    with pytest.raises(DecodeError, match="the file has changed: it has 50 x 80 pixels"):
        images.scaled(0, 8)
    with pytest.raises(DecodeError, match="the file has changed: it has 50 x 80 pixels"):
        images.scaled(0, 8, 200)


def test_exact_cuts_and_moved_content_need_every_pixel():
    boxes = np.array([[0, 0, 4000, 3000]])
    assert shrink_for(plan("1x rrc @224"), [boxes]) == 8
    assert shrink_for(plan("1x rrc @224 + 1x rrc @900"), [boxes, boxes]) == 2
    assert shrink_for(plan("1x rc:scale=0.5"), [boxes]) == 1
    assert shrink_for(plan("1x gcc:border=recenter @224"), [boxes]) == 1
    assert shrink_for(plan("1x rrc @1"), [np.array([[0, 0, 40, 9]])]) == 1


def test_the_loader_decodes_fast_where_asked_for(tmp_path, photographs):
    paths = [saved(tmp_path / f"{n}.jpg", photographs[n % 2], turned=n) for n in range(1, 9)]
    sizes = np.array([decode(path).shape[1:] for path in paths])
    images = ImageSet(sizes=sizes, paths=tuple(paths))
    views = plan("2x rrc:scale=0.4..1 @96 + 3x rrc:scale=0.1..0.4 @32")
    full, quick = (
        next(iter(ViewLoader(images, views, Loading(batch_size=8, decode=how)).batches(0)))
        for how in ("full", "fast")
    )
    assert all(map(np.array_equal, full.boxes, quick.boxes))
    for one, other in zip(full.views, quick.views, strict=True):
        mean, share = differences(one, other)
        assert 0 < mean <= 2
        assert share < 0.01
    with pytest.raises(ValueError, match="unknown decode 'quick': known are fast, full"):
        Loading(batch_size=8, decode="quick")


@pytest.mark.slow
def test_a_photograph_of_12_megapixels_takes_a_tenth_of_its_pixels(
    forks, tmp_path, photographs, record
):
    """Memory that reading two views adds: full decoding holds the image, fast a part of it."""
    path = saved(tmp_path / "a.jpg", photographs[0].resize((4000, 3000)))
    small = saved(tmp_path / "small.jpg", photographs[0].resize((640, 480)))
    added = {}
    for how in ("fast", "full"):
        result = tmp_path / f"{how}.json"
        assert forks.start(decoding.read_views, path, small, how, result).wait(120) == 0
        added[how] = json.loads(result.read_text())["added_mb"]
    assert added["fast"] < 30
    assert added["full"] > 36
    record(
        "R34.memory", f"12 Mpx: {added['fast']:.0f} MB, full {added['full']:.0f} MB", n=1, **added
    )

"""Masks of objects on their way: from files to the boxes of views, wherever these are drawn."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import tv_tensors

from tamecrop.audit.measures.view_pairs import Shapes, draw_pairs, pair_views
from tamecrop.data import load
from tamecrop.data.images import ImageSet
from tamecrop.data.loader import Loading, ViewLoader
from tamecrop.geometry import MaskedBoxes, choose_objects, masks_of, plan
from tamecrop.geometry.policy import policy
from tamecrop.reporting.view_grid import Look, draw_tile
from tamecrop.views import Crop, Views

SIZE = (40, 60)
CAST = "cast:scale=0.05..0.5"


def ell(shift=0):
    """An L, which fills a fifth of its box."""
    mask = np.zeros(SIZE, dtype=bool)
    mask[4:36, 4 + shift : 8 + shift] = mask[32:36, 4 + shift : 44 + shift] = True
    return mask


MASKS = [ell(shift) for shift in range(12)]


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(len(path.name)).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)


def png_masks(root):
    for n, mask in enumerate(MASKS):
        for split in ("train", "val", "test"):
            picture(root / split / f"images/{n}.png")
        (root / "train/masks").mkdir(exist_ok=True)
        Image.fromarray(mask.astype(np.uint8) * 255).save(root / f"train/masks/{n}.png")
    return root


def yolo_polygons(root):
    for n, mask in enumerate(MASKS):
        for split in ("train", "val", "test"):
            picture(root / split / f"images/{n}.png")
        (root / "train/labels").mkdir(exist_ok=True)
        x = np.flatnonzero(mask.any(0))[0]
        corners = [(x, 4), (x + 4, 4), (x + 4, 32), (x + 40, 32), (x + 40, 36), (x, 36)]
        numbers = " ".join(f"{a / 60:.8f} {b / 40:.8f}" for a, b in corners)
        (root / f"train/labels/{n}.txt").write_text(f"0 {numbers}\n1 0.5 0.5 0.2 0.2\n")
    return root


def archive(root):
    save(root / "a.npz", MASKS)
    return root / "a.npz"


def save(path, masks):
    black = np.zeros((len(masks), *SIZE, 3), np.uint8)
    images = {f"{split}_images": black for split in ("train", "val", "test")}
    np.savez(path, train_masks=np.stack(masks), **images)


@pytest.mark.parametrize("make", [png_masks, yolo_polygons, archive])
def test_masks_are_read_as_they_are(tmp_path, make):
    train = load(str(make(tmp_path)), needs=("pixels", "boxes")).train
    assert len(train) == len(MASKS)
    drawn = [masks_of(boxes).draw(SIZE)[0] for boxes in train.boxes]
    assert sorted(mask.tobytes() for mask in drawn) == sorted(mask.tobytes() for mask in MASKS)
    for boxes, mask in zip(train.boxes, drawn, strict=True):
        assert np.allclose(boxes[0], MaskedBoxes.of([mask])[0])
    if make is yolo_polygons:  # a box among polygons is no mask
        assert all(masks_of(boxes).areas[1] == 0 for boxes in train.boxes)


def test_boxes_alone_know_no_masks(tmp_path):
    root = yolo_polygons(tmp_path)
    for label in (root / "train/labels").iterdir():
        label.write_text("1 0.5 0.5 0.2 0.2\n")
    train = load(str(root), needs=("pixels", "boxes")).train
    assert [masks_of(boxes) for boxes in train.boxes] == [None] * len(MASKS)


def test_another_mask_in_the_same_box_is_another_data_set(tmp_path):
    source = archive(tmp_path)
    before = load(str(source)).fingerprint()
    assert load(str(source)).fingerprint() == before
    filled = np.stack(MASKS)
    filled[0][6:8, 5:40] = True
    assert np.array_equal(MaskedBoxes.of([filled[0]]), MaskedBoxes.of([MASKS[0]]))
    save(source, filled)
    assert load(str(source)).fingerprint() != before


def images(masks=MASKS):
    pixels = torch.arange(len(masks) * 3 * 2400).reshape(len(masks), 3, *SIZE).to(torch.uint8)
    return ImageSet.in_memory(pixels, boxes=tuple(MaskedBoxes.of([mask]) for mask in masks))


def plain(of):
    boxes = tuple(np.asarray(boxes) for boxes in of.boxes)
    return ImageSet.in_memory(of.pixels, boxes=boxes)


def expected(index, *, seed=0, epoch=0):
    objects = choose_objects(
        [images().boxes[i] for i in index], seed=seed, epoch=epoch, index=index
    )
    return policy(CAST).draw(SIZE, seed=seed, epoch=epoch, index=index, object_boxes=objects)


def drawn_by_loader(of):
    loader = ViewLoader(of, plan(CAST).at_size(8), Loading(batch_size=12, seed=3))
    (batch,) = loader.batches(2)
    order = np.argsort(batch.index)
    return batch.boxes[0][order]


def drawn_by_audit(of):
    (pairs,) = draw_pairs(pair_views(CAST), Shapes.of(of), draws=1, seed=3)
    return pairs.boxes


def drawn_by_picture(of):
    look = Look(seed=3, epoch=2)
    tiles = [draw_tile(of.image(n), CAST, look, index=n, objects=of.boxes[n]) for n in range(12)]
    return np.stack([tile.boxes for tile in tiles])


@pytest.mark.parametrize(
    ("draw", "epoch"), [(drawn_by_loader, 2), (drawn_by_audit, 0), (drawn_by_picture, 2)]
)
def test_whoever_draws_boxes_looks_at_the_masks(draw, epoch):
    found = draw(images())
    assert np.array_equal(found, expected(np.arange(12), seed=3, epoch=epoch))
    assert not np.array_equal(found, draw(plain(images())))
    assert np.array_equal(draw(images().subset(range(12))), found)


def sample(masks):
    boxes = MaskedBoxes.of([MASKS[0]])
    return {
        "image": tv_tensors.Image(images().image(0)),
        "boxes": tv_tensors.BoundingBoxes(
            torch.tensor(boxes.tolist()), format="XYXY", canvas_size=SIZE
        ),
        "masks": tv_tensors.Mask(torch.from_numpy(masks)),
    }


@pytest.mark.parametrize("kind", [Crop, Views])
def test_transforms_take_the_masks_of_a_sample_or_of_the_argument(kind):
    transform = kind(CAST, size=8, key=("index", "epoch"))
    masks, key = MASKS[0][None].astype(np.uint8), {"index": 4, "epoch": 1}

    def cut(of, **more):
        found = transform(key | of, **more)
        found = found[0] if kind is Views else found
        return found["image"]

    alone = {"image": sample(masks)["image"]}
    stated = cut(alone, object_boxes=MaskedBoxes.of([MASKS[0]]))
    assert torch.equal(cut(sample(masks)), stated)
    box = cut(alone, object_boxes=np.asarray(MaskedBoxes.of([MASKS[0]])))
    assert not torch.equal(stated, box)
    # One mask of classes is no mask of the object.
    assert torch.equal(cut(sample(masks * 7)), box)
    assert torch.equal(cut(sample(np.concatenate([masks] * 2))), box)


def test_masks_of_images_that_are_resized_are_resized():
    small = images().resident(20)
    assert small.sizes[0].tolist() == [20, 20]
    masks = masks_of(small.boxes[0])
    assert masks.draw((20, 20))[0].tolist() == MASKS[0][1::2, 1::3].tolist()
    assert np.allclose(small.boxes[0], np.asarray(images().boxes[0]) / [3, 2, 3, 2])

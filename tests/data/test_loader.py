"""Batches of views: one order and one set of boxes, whoever makes them."""

import threading
import time

import numpy as np
import pytest
import torch

from tamecrop.data.images import ImageSet
from tamecrop.data.loader import Loading, ViewLoader
from tamecrop.data.workers import Steps
from tamecrop.geometry.draws import choose_objects
from tamecrop.geometry.plans import plan
from tamecrop.views.cut import cut
from tamecrop.views.photometric import Finish, photometric

LAW = "gcc:scale=0.4,sigma=0.3,border=recenter"
MIXED = "2x rrc:scale=0.4..1 @12 + 1x rc:scale=0.3 + 3x rrc:scale=0.05..0.4 @6x4"


def images(n=50, **more):
    noise = torch.randint(0, 256, (n, 3, 16, 20), generator=torch.Generator().manual_seed(0))
    return ImageSet.in_memory(noise.to(torch.uint8), **more)


def with_boxes(n=50):
    """Of which the first ten images have no box, and each other one two far apart."""
    two = np.array([[0, 0, 3, 3], [16, 12, 20, 16]])
    return images(n, boxes=tuple(two[: 0 if i < 10 else 2] for i in range(n)))


def batches(epoch=3, start=0, views=LAW, of=None, finish=None, **changes):
    loading = Loading(**{"batch_size": 16, "seed": 5, **changes})
    held = images() if of is None else of
    loader = ViewLoader(held, plan(views), loading, finish=finish)
    return list(loader.batches(epoch, start))


def same(one, two):
    return len(one) == len(two) and all(
        np.array_equal(a.index, b.index)
        and all(map(np.array_equal, a.boxes, b.boxes))
        and all(map(torch.equal, a.views, b.views))
        for a, b in zip(one, two, strict=True)
    )


# PyTorch warns of more workers than cores, which is what the test asks for.
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("workers", [0, 1, 2, 3])
def test_streamed_batches_are_the_resident_ones_whatever_the_workers(workers):
    streamed = batches(source="streamed", workers=workers)
    assert same(streamed, batches(source="resident"))


# PyTorch warns of more workers than cores, which is what the test asks for.
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("workers", [0, 1, 3])
def test_workers_finish_views_as_the_process_that_trains_does(workers):
    finish = Finish(photometric("simclr"), (0.5, 0.4, 0.3), (0.2, 0.25, 0.3), seed=5)
    done = batches(views=MIXED, finish=finish, source="streamed", workers=workers)
    assert same(done, batches(views=MIXED, finish=finish, source="resident"))
    for batch, raw in zip(done, batches(views=MIXED), strict=True):
        for group, cut_alone, first in zip(batch.views, raw.views, (0, 2, 3), strict=True):
            how = {"epoch": 3, "index": batch.index, "first_view": first}
            assert torch.equal(group, finish.apply(cut_alone, **how))


def test_a_batch_says_how_many_lay_ready():
    steps = Steps(lambda step: (torch.tensor([step]),), 4, workers=1)
    found = iter(steps)
    (first,), _ = next(found)
    ready = []
    for done in (3, 4, 4):  # two are asked of a worker ahead of the one in use
        wait_until(lambda done=done: int(steps._made.sum()) == done)
        ready.append(next(found)[1])
    assert first.item() == 0
    assert ready == [2, 2, 1]
    assert [queued for _, queued in Steps(lambda _: (), 3, workers=0)] == [None] * 3


def test_a_batch_that_is_not_ready_is_waited_for(tmp_path):
    asked = tmp_path / "asked"

    def make(step):
        wait_until(asked.exists)
        return (torch.tensor([step]),)

    steps = Steps(make, 1, workers=1)
    threading.Timer(1.0, asked.touch).start()
    (((step,), queued),) = steps
    assert (step.item(), queued) == (0, 0)


def wait_until(holds):
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_files_give_the_views_of_the_pixels_they_hold(tmp_path):
    from PIL import Image

    held = images()
    paths = []
    for number, pixels in enumerate(held.pixels):
        paths.append(tmp_path / f"{number:03}.png")
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(paths[-1])
    files = ImageSet(paths=tuple(paths), sizes=held.sizes)
    assert same(batches(of=files), batches())
    for one, other in zip(batches(of=files, views=MIXED), batches(views=MIXED), strict=True):
        assert all(map(np.array_equal, one.boxes, other.boxes))
        for mine, theirs in zip(one.views, other.views, strict=True):
            torch.testing.assert_close(mine, theirs, atol=1, rtol=0)  # a level, where resized


@pytest.mark.parametrize("source", ["resident", "streamed"])
def test_each_group_of_a_plan_has_its_size_and_its_own_draws(source):
    found = batches(views=MIXED, source=source)
    assert [group.shape[1:] for group in found[0].views] == [
        (2, 3, 12, 12),
        (1, 3, *box_sides(found[0].boxes[1])),
        (3, 3, 6, 4),
    ]
    drawn = plan(MIXED).draw((16, 20), seed=5, epoch=3, index=found[0].index)
    assert all(map(np.array_equal, found[0].boxes, drawn))
    for group, views, boxes in zip(plan(MIXED).groups, found[0].views, drawn, strict=True):
        pixels = images().pixels[torch.from_numpy(found[0].index)]
        assert torch.equal(views, cut(pixels, boxes, size=group.size))
    twice = batches(views="1x rc:scale=0.3 + 1x rc:scale=0.3")[0].boxes
    assert not np.array_equal(*twice)
    assert np.array_equal(np.concatenate(twice, axis=1), batches(views="rc:scale=0.3")[0].boxes[0])


def box_sides(boxes):
    (height, width) = (boxes[0, 0, 2:] - boxes[0, 0, :2])[::-1]
    return height, width


@pytest.mark.parametrize(
    "law", ["ccrop:scale=0.01..0.02,a=50", "cgcc:scale=0.04,sigma=0.01,mean=given"]
)
@pytest.mark.parametrize("source", ["resident", "streamed"])
def test_boxes_that_images_bring_reach_the_policy(law, source):
    """Views sit on one of the two boxes, in the corners, and on the image's middle without one."""
    options = {"views": f"2x {law} @8", "source": source}
    epochs = [batches(epoch, of=with_boxes(), **options) for epoch in range(6)]
    near = np.empty((6, 50))
    for epoch, each in enumerate(epochs):
        for batch in each:
            corner = batch.boxes[0].reshape(-1, 2, 2, 2).mean(axis=(1, 2))
            near[epoch, batch.index] = corner[:, 0]
    bare, boxed = near[:, :10], near[:, 10:]
    assert ((boxed < 5) | (boxed > 15)).all()
    assert ((boxed < 5).any(axis=0) & (boxed > 15).any(axis=0)).mean() > 0.8
    assert ((bare > 5) & (bare < 15)).mean() > 0.9
    none = batches(of=images(), **options)
    assert all(
        np.array_equal(a.boxes[0][a.index < 10], b.boxes[0][b.index < 10])
        for a, b in zip(none, epochs[3], strict=True)
    )


def test_the_box_of_a_sample_is_chosen_by_its_key_alone():
    options = {"views": "2x ccrop @8", "of": with_boxes()}
    whole = batches(**options)
    boxes = plan("2x ccrop @8").draw(
        (16, 20),
        seed=5,
        epoch=3,
        index=whole[1].index,
        object_boxes=choose_objects(
            [with_boxes().boxes[i] for i in whole[1].index], seed=5, epoch=3, index=whole[1].index
        ),
    )
    assert np.array_equal(boxes[0], whole[1].boxes[0])
    assert same(batches(start=2, **options), whole[2:])
    parts = [batches(rank=rank, world_size=2, **options)[0].boxes[0] for rank in range(2)]
    assert np.array_equal(np.concatenate(parts), whole[0].boxes[0])


def test_an_epoch_shows_every_image_once_and_another_order_comes_next():
    first, second = (np.concatenate([b.index for b in batches(epoch=e)]) for e in (0, 1))
    assert sorted(first) == sorted(second) == list(range(50))
    assert not np.array_equal(first, second)
    assert not same(batches(seed=5), batches(seed=6))


def test_a_resumed_epoch_goes_on_where_it_stopped():
    assert same(batches(start=2), batches()[2:])
    assert same(batches(start=2, source="streamed", workers=1), batches()[2:])


def test_a_short_last_batch_is_kept_or_dropped():
    assert [len(b.index) for b in batches(last="keep")] == [16, 16, 16, 2]
    assert [len(b.index) for b in batches(last="drop")] == [16, 16, 16]


@pytest.mark.parametrize("world_size", [2, 3])
def test_the_parts_of_all_processes_are_the_global_batch(world_size):
    parts = [batches(rank=rank, world_size=world_size) for rank in range(world_size)]
    for step, whole in enumerate(batches()):
        views = torch.cat([part[step].views[0] for part in parts])
        assert torch.equal(views, whole.views[0])


def test_what_cannot_be_batched_is_refused():
    with pytest.raises(ValueError, match="`batch_size` must be at most"):
        batches(batch_size=51)
    with pytest.raises(ValueError, match="`size` must be given: the boxes of rrc"):
        batches(views="rrc")
    files = ImageSet(paths=50 * ("a",), sizes=images().sizes)
    with pytest.raises(ValueError, match="`source` must be streamed for images in files"):
        batches(of=files, source="resident")

"""Batches of views: one order and one set of boxes, whoever makes them."""

import numpy as np
import pytest
import torch

import tamecrop as tc
from tamecrop.data.images import ImageSet
from tamecrop.data.loader import Loading, ViewLoader

LAW = tc.policy("gcc:scale=0.4,sigma=0.3,border=recenter")


def images(n=50):
    noise = torch.randint(0, 256, (n, 3, 16, 20), generator=torch.Generator().manual_seed(0))
    return ImageSet.in_memory(noise.to(torch.uint8))


def batches(epoch=3, start=0, policy=LAW, **changes):
    loading = Loading(**{"batch_size": 16, "seed": 5, **changes})
    return list(ViewLoader(images(), policy, loading).batches(epoch, start))


def same(one, two):
    return len(one) == len(two) and all(
        np.array_equal(a.index, b.index)
        and np.array_equal(a.boxes, b.boxes)
        and torch.equal(a.views, b.views)
        for a, b in zip(one, two, strict=True)
    )


# PyTorch warns of more workers than cores, which is what the test asks for.
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("workers", [0, 1, 2, 3])
def test_streamed_batches_are_the_resident_ones_whatever_the_workers(workers):
    streamed = batches(source="streamed", workers=workers)
    assert same(streamed, batches(source="resident"))


def test_files_give_the_views_of_the_pixels_they_hold(tmp_path):
    from PIL import Image

    held = images()
    paths = []
    for number, pixels in enumerate(held.pixels):
        paths.append(tmp_path / f"{number:03}.png")
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(paths[-1])
    files = ImageSet(paths=tuple(paths), sizes=held.sizes)
    loading = Loading(batch_size=16, seed=5)
    from_files = list(ViewLoader(files, LAW, loading).batches(3))
    assert same(from_files, batches())


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
        views = torch.cat([part[step].views for part in parts])
        assert torch.equal(views, whole.views)


def test_what_cannot_be_batched_is_refused():
    with pytest.raises(ValueError, match="`batch_size` must be at most"):
        batches(batch_size=51)
    with pytest.raises(ValueError, match="`size` must be given: the boxes of rrc"):
        batches(policy=tc.policy("rrc"))
    files = ImageSet(paths=50 * ("a",), sizes=images().sizes)
    with pytest.raises(ValueError, match="`source` must be streamed for images in files"):
        ViewLoader(files, LAW, Loading(batch_size=2, source="resident"))

"""R10: the same global batches on 1 to 32 processes with 0 to 4 workers each."""

import numpy as np
import pytest
import torch

from tamecrop.data.images import ImageSet
from tamecrop.data.loader import Loading, ViewLoader
from tamecrop.geometry.plans import plan

WORLDS, WORKERS = range(1, 33), range(5)
LAW = plan("gcc:scale=0.4,sigma=0.3")
IMAGES = ImageSet.in_memory(
    torch.randint(0, 256, (150, 3, 8, 8), generator=torch.Generator().manual_seed(0)).to(
        torch.uint8
    )
)


SPARSE = IMAGES.subset(range(66))
"""Of which the last batch has two images for up to 32 processes."""


def part(rank, world, workers, images=IMAGES):
    """What one process sees of an epoch: for each step its samples and their first views."""
    loading = Loading(
        batch_size=64, seed=3, rank=rank, world_size=world, source="streamed", workers=workers
    )
    return [
        (each.index, each.views[0][:, 0].numpy())
        for each in ViewLoader(images, LAW, loading).batches(1)
    ]


def joined(parts):
    """The global batches from the parts of all processes."""
    return [
        tuple(np.concatenate([each[step][kind] for each in parts]) for kind in (0, 1))
        for step in range(len(parts[0]))
    ]


def same(one, two):
    return len(one) == len(two) and all(
        all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
        for first, second in zip(one, two, strict=True)
    )


WHOLE = joined([part(0, 1, 0)])


def test_every_number_of_processes_gives_the_same_global_batches(record):
    worlds = [
        world for world in WORLDS if same(joined([part(r, world, 0) for r in range(world)]), WHOLE)
    ]
    assert worlds == list(WORLDS)
    assert [len(index) for index, _ in WHOLE] == [64, 64, 22]
    sparse = [part(rank, 32, 0, SPARSE) for rank in range(32)]
    assert same(joined(sparse), joined([part(0, 1, 0, SPARSE)]))
    record("R10", f"{len(worlds)} numbers of processes, identical global batches", n=len(worlds))


# PyTorch warns of more workers than cores, which is what the test asks for.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_every_number_of_workers_gives_a_process_the_same_part(record):
    cells = 0
    for world in WORLDS:
        rank = 7 * world % 32 % world
        alone = part(rank, world, 0)
        for workers in WORKERS[1:]:
            assert same(part(rank, world, workers), alone), (world, workers)
            cells += 1
    record("R10.workers", f"{cells} pairs of processes and workers, identical parts", n=cells)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda rank, world: part(0, world, 0), id="all take the first part"),
        pytest.param(lambda rank, world: part((rank + 1) % world, world, 0), id="parts swapped"),
        pytest.param(
            lambda rank, world: part(rank, world, 0, IMAGES.subset(range(149, -1, -1))),
            id="another order of files",
        ),
    ],
)
def test_another_split_is_seen(wrong):
    assert not same(joined([wrong(rank, 2) for rank in range(2)]), WHOLE)

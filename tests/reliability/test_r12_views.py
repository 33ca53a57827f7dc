"""R12: the views of a sample have one hash, whoever makes them and whatever batch they are in."""

import functools
import hashlib

import pytest
import torch

from tamecrop.data import workers as making
from tamecrop.data.images import ImageSet
from tamecrop.data.loader import Loading, ViewLoader
from tamecrop.geometry.plans import plan
from tamecrop.views.photometric import photometric

LAW = plan("mgcc:scale=0.4,sigma=0.3,border=recenter")
COLORS = photometric("paper")
N = 40

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")


def images():
    noise = torch.randint(0, 256, (N, 3, 12, 10), generator=torch.Generator().manual_seed(0))
    return ImageSet.in_memory(noise.to(torch.uint8))


def digest(batch_size=16, workers=0, epoch=2, colors=COLORS, **options):
    """A hash over the colored views of every sample, sorted by sample."""
    made = functools.partial(making.DataLoader, **options) if workers else making.DataLoader
    loading = Loading(batch_size=batch_size, seed=5, source="streamed", workers=workers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "DataLoader", made)
        batches = list(ViewLoader(images(), LAW, loading).batches(epoch))
    hashes = {}
    for batch in batches:
        views = colors.apply(batch.views[0], seed=5, epoch=epoch, index=batch.index)
        for sample, view in zip(batch.index.tolist(), views, strict=True):
            hashes[sample] = hashlib.sha256(view.numpy().tobytes()).hexdigest()
    assert len(hashes) == N
    return hashlib.sha256(repr(sorted(hashes.items())).encode()).hexdigest()


SETTINGS = [
    {},
    {"batch_size": 1},
    {"batch_size": 7},
    {"batch_size": 40},
    {"workers": 1},
    {"workers": 2},
    {"workers": 3},
    {"workers": 2, "batch_size": 7},
    {"workers": 2, "prefetch_factor": 1},
    {"workers": 3, "prefetch_factor": 4},
    {"workers": 2, "persistent_workers": True},
    {"workers": 2, "persistent_workers": True, "prefetch_factor": 4, "batch_size": 5},
]


def test_views_have_one_hash_whatever_the_workers_and_batches(record):
    found = {digest(**setting) for setting in SETTINGS}
    assert len(found) == 1
    record("R12", f"{len(SETTINGS)} settings, one hash", n=len(SETTINGS))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_views_have_one_hash_whatever_starts_the_workers(method, record):
    assert digest(workers=2, multiprocessing_context=method) == digest()
    record(f"R12.{method}", f"workers by {method}: the same hash", n=1)


class Carried:
    """A wrong color step: it draws from torch's generator, whose state depends on the past."""

    def apply(self, views, *, seed, epoch, index):
        return views.float() * torch.rand(())


def test_a_generator_that_is_carried_along_is_seen():
    hashes = set()
    for batch_size in (7, 16):
        torch.manual_seed(0)
        hashes.add(digest(batch_size=batch_size, colors=Carried()))
    assert len(hashes) == 2
    assert digest(epoch=3) != digest()

"""`Crop` inside AlbumentationsX: all that holds in Albumentations, of the same import name."""

import torch

from hosts import common

common.need("albumentations.core.invocation")  # the other one has no such module

from hosts.test_albumentations import *  # noqa: E402, F403
from tamecrop.studies.peers import CommonViews, pipelines  # noqa: E402
from tamecrop.views.adapters import albumentations  # noqa: E402
from tamecrop.views.photometric import photometric  # noqa: E402

pytestmark = common.LENIENT


def test_it_is_albumentationsx():
    assert albumentations.IS_X


def test_bench_measures_it_and_tells_nobody(monkeypatch):
    told = []
    tell = "albumentations.Compose._maybe_send_telemetry"
    monkeypatch.setattr(tell, lambda _, allowed: told.append(allowed))
    works, _ = pipelines(CommonViews(2, 24, (0.2, 1.0), photometric("simclr")))
    image = torch.from_numpy(common.pixels()).permute(2, 0, 1)
    ((first, second),) = works["Albumentations"]([image])
    assert first.shape == second.shape == (3, 24, 24)
    assert told == [False]

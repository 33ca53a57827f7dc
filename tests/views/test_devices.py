"""Views are made on their device, and the host never waits for it.

On torch's meta device a tensor has no values: whatever would read one, mix devices, or wait for a
result, is an error there.
"""

import numpy as np
import pytest
import torch

import tamecrop as tc
from tamecrop.views.photometric import PHOTOMETRIC, normalize, photometric

IMAGES = torch.zeros(16, 3, 32, 32, dtype=torch.uint8, device="meta")
LAWS = {
    "rc:scale=0.4": None,
    "gcc:border=recenter": None,
    "rrc": 24,
    "gcc:extent=random,scale=0.2..1,border=recenter": 24,
}


@pytest.mark.parametrize(("law", "size"), LAWS.items(), ids=list(LAWS))
@pytest.mark.parametrize("name", PHOTOMETRIC)
def test_views_stay_on_their_device_and_nothing_waits(law, size, name):
    policy = tc.policy(law)
    boxes = policy.draw((32, 32), index=np.arange(16))
    views = tc.cut(IMAGES, boxes, size=size, content=policy.content)
    colored = normalize(photometric(name).apply(views), (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))
    assert colored.device.type == "meta"
    assert colored.shape == (16, 2, 3, *views.shape[-2:])


def test_reading_a_value_of_the_device_is_seen():
    with pytest.raises(RuntimeError, match="meta"):
        bool((IMAGES.float().sum() > 0).all())
    with pytest.raises(RuntimeError, match="device"):
        torch.zeros(4) + torch.zeros(4, device="meta")

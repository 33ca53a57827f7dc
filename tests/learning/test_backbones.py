"""Backbones: shapes for every stem, and what the fast one is for."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tamecrop.learning.backbones import NAMES, backbone


@pytest.mark.parametrize("stem", ["small", "imagenet"])
@pytest.mark.parametrize("name", NAMES)
def test_images_become_one_vector_of_features_each(name, stem):
    network = backbone(name, stem=stem).eval()
    side = 28 if stem == "small" else 64
    assert network(torch.zeros(2, 3, side, side)).shape == (2, network.features)


def flops(name: str) -> int:
    with FlopCounterMode(display=False) as counter:
        backbone(name)(torch.zeros(2, 3, 28, 28))
    return int(counter.get_total_flops())


def test_the_patched_network_does_a_fraction_of_the_narrow_ones_work():
    assert flops("resnet7w16") < flops("resnet10w16") / 3
    assert flops("resnet10w16") < flops("resnet18") / 3


def test_an_unknown_backbone_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"unknown backbone 'resnet7w6'.*resnet7w16"):
        backbone("resnet7w6")

"""R26: several processes of one run."""

import socket

import torch

from reliability import children
from tamecrop.learning.backbones import backbone


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_two_processes_train_one_run(forks, tmp_path):
    port = free_port()
    pair = [
        forks.start(children.train, tmp_path, environment=children.on_two(rank, port))
        for rank in range(2)
    ]
    for child in pair:
        assert child.wait() == 0, child.said()
    one, two = (children.result(tmp_path, rank) for rank in range(2))
    assert torch.equal(one["losses"], two["losses"])
    assert len(one["losses"]) == children.STEPS
    weights = {name for name, _ in backbone("resnet10w16").named_parameters()}
    for name in weights:
        assert torch.equal(one[name], two[name]), name

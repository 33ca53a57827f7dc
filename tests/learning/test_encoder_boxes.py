"""ContrastiveCrop's boxes: where the feature map is high, when they are found, that they resume."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import tamecrop as tc
from tamecrop.data.loader import Loading, ViewLoader
from tamecrop.data.sources import load
from tamecrop.learning import encoder_boxes
from tamecrop.learning.backbones import backbone
from tamecrop.learning.checkpoint import latest
from tamecrop.learning.config import Pretraining
from tamecrop.learning.encoder_boxes import EncoderBoxes, extents, feature_map, whole
from tamecrop.learning.pretrain import pretrain
from tamecrop.learning.watching import Hooks, Interrupted, StopFlag

PLAN = "ccrop:scale=0.2..1,box=encoder,threshold=0.6"
TINY = Pretraining(
    backbone="resnet7w16",
    method="simclr:projector=linear",
    optimizer="sgd",
    learning_rate=0.02,
    epochs=5,
    warmup_epochs=0,
    batch_size=16,
    size=16,
    photometric="scenes",
    precision="32-true",
    save_every=1,
)


@pytest.fixture(scope="module")
def scenes():
    return load("scenes:count=64,side=16")


def stopping(after):
    flag = StopFlag()

    def watch(progress):
        flag.raised = progress.step >= after

    return Hooks(stepped=watch, stop=flag)


def test_a_box_is_the_extent_of_what_exceeds_the_threshold():
    heat = torch.zeros(4, 8, 8)
    heat[0, 2:5, 1:7] = 1.0  # rows 2-4, columns 1-6
    heat[1, 7, 7] = 5.0  # the far edge reaches the border
    heat[2] = 3.0  # without a range
    heat[3, 0, :] = 0.09  # below a tenth of the range
    heat[3, 4, 4] = 1.0
    sizes = np.array([[8, 8], [16, 24], [8, 8], [8, 16]])
    found = extents(heat, sizes, 0.1)
    expected = [[1, 2, 7, 5], [21, 14, 24, 16], [0, 0, 8, 8], [8, 4, 10, 5]]
    np.testing.assert_allclose(found, expected)
    assert (extents(heat, sizes, 0.05)[3] != expected[3]).any()


def test_the_map_is_what_the_network_pools_summed_over_channels():
    network = backbone("resnet10w16").eval()
    images = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        heat = feature_map(network, images)
        stages = torch.nn.Sequential(*list(network.body)[:-2])
        last = stages(images).sum(1)
    assert heat.shape == (3, 32, 32)
    torch.testing.assert_close(heat[:, 16, 16], last[:, 1:3, 1:3].mean((1, 2)), atol=0.7, rtol=0.7)
    constant = torch.nn.functional.interpolate(last[:, None], (32, 32), mode="bilinear")[:, 0]
    torch.testing.assert_close(heat, constant, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [(5, [1, 2, 3, 4]), (200, [40, 80, 120, 160]), (2, [1]), (12, [2, 4, 6, 8, 10])],
)
def test_boxes_are_found_after_every_fifth_of_the_epochs(scenes, epochs, expected):
    network = backbone("resnet7w16")
    table = EncoderBoxes(tc.plan(PLAN), scenes, epochs, network)
    assert [epoch for epoch in range(epochs) if table.due(epoch)] == expected
    assert table.whole_share == 1
    table.epoch = expected[0]
    assert not table.due(expected[0])


def test_a_backbone_without_a_feature_map_is_refused(scenes):
    pytest.importorskip("timm")
    config = replace(TINY, backbone="timm:vit_tiny_patch16_224")
    with pytest.raises(ValueError, match="`box=encoder` needs a backbone that pools"):
        encoder_boxes.require_map(backbone(config.backbone))


def test_a_run_has_its_boxes_in_the_checkpoint_and_resumes_bit_for_bit(scenes, tmp_path):
    whole_run = pretrain(scenes, PLAN, TINY, tmp_path / "whole")
    boxes = latest(tmp_path / "whole" / "checkpoints").checkpoint.train["boxes"].numpy()
    assert boxes.shape == (58, 4)
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    share = whole_run.by_epoch("whole_boxes")
    assert share[0] == 1
    assert share[-1] == (boxes == whole(scenes.train.sizes)).all(axis=1).mean() < 1
    for stop in (3, 4, 6, 10, 14):  # ends of epochs, and steps within
        with pytest.raises(Interrupted):
            pretrain(scenes, PLAN, TINY, tmp_path / "parts", hooks=stopping(stop))
    parts = pretrain(scenes, PLAN, TINY, tmp_path / "parts")
    assert parts.losses.tolist() == whole_run.losses.tolist()
    again = latest(tmp_path / "parts" / "checkpoints").checkpoint.train["boxes"].numpy()
    assert (again == boxes).all()
    lines = (tmp_path / "parts" / "metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["whole_boxes"] for row in rows] == whole_run.curves["whole_boxes"].tolist()
    as_whole = pretrain(scenes, "ccrop:scale=0.2..1", TINY, tmp_path / "given")
    per_epoch = whole_run.steps_per_epoch
    bare = replace(scenes, train=replace(scenes.train, boxes=None))
    no_boxes = pretrain(bare, "ccrop:scale=0.2..1", TINY, tmp_path / "none")
    assert torch.equal(no_boxes.losses[:per_epoch], whole_run.losses[:per_epoch])
    assert not torch.equal(no_boxes.losses[per_epoch:], whole_run.losses[per_epoch:])
    assert not torch.equal(as_whole.losses, no_boxes.losses)


def test_a_stop_while_boxes_are_found_leaves_those_before(scenes, tmp_path, monkeypatch):
    expected = pretrain(scenes, PLAN, TINY, tmp_path / "whole")
    flag, find = StopFlag(), EncoderBoxes.find

    def stopped_within(self, epoch, fabric):
        for _ in find(self, epoch, fabric):
            flag.raised = epoch == 2
            yield

    monkeypatch.setattr(EncoderBoxes, "find", stopped_within)
    with pytest.raises(Interrupted):
        pretrain(scenes, PLAN, TINY, tmp_path / "parts", hooks=Hooks(stop=flag))
    monkeypatch.undo()
    parts = pretrain(scenes, PLAN, TINY, tmp_path / "parts")
    assert parts.losses.tolist() == expected.losses.tolist()


def test_boxes_found_do_not_depend_on_workers(scenes):
    found = whole(scenes.train.sizes) * 0.5
    law = tc.plan(PLAN, size=16)

    def drawn(workers, boxes):
        loading = Loading(batch_size=16, source="streamed", workers=workers)
        loader = ViewLoader(scenes.train, law, loading)
        return np.concatenate([b.boxes[0] for b in loader.batches(1, found_boxes=boxes)])

    assert (drawn(0, found) == drawn(2, found)).all()
    assert (drawn(0, found) != drawn(0, None)).any()


def test_a_checkpoint_without_boxes_is_refused(scenes):
    table = EncoderBoxes(tc.plan(PLAN), scenes, 5, backbone("resnet7w16"))
    with pytest.raises(encoder_boxes.CheckpointError, match="boxes_epoch is missing"):
        table.restore({"boxes": table.state()["boxes"]})

"""Backbones: ResNets of torchvision without their classifier, narrow ones for CPUs, timm's."""

import difflib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint
from torchvision.models import resnet
from torchvision.models.resnet import BasicBlock

from tamecrop.geometry import rules
from tamecrop.learning.config import Stem

_DEEP = {"resnet18": resnet.resnet18, "resnet34": resnet.resnet34, "resnet50": resnet.resnet50}
_NARROW = {"resnet10w16": 16}
_PATCHED = {"resnet7w16": 16, "resnet7w32": 32}
NAMES = (*_PATCHED, *_NARROW, *_DEEP)
TIMM = "timm:"
"""Before the name of a model of timm, such as `timm:vit_tiny_patch16_224`."""


class Backbone(nn.Module):
    """The network kept: images `(B, 3, H, W)` to features `(B, features)`.

    Args:
        body: the network.
        features: width of its output.
    """

    def __init__(self, body: nn.Module, features: int) -> None:
        super().__init__()
        self.body = body
        self.features = features

    def forward(self, images: Tensor) -> Tensor:
        """Features `(B, features)` of normalized images `(B, 3, H, W)`."""
        features: Tensor = self.body(images)
        return features


def backbone(name: str, *, stem: Stem = "small", channels: int = 3) -> Backbone:
    """A randomly initialized backbone; weights come from torch's generator.

    Args:
        name: `resnet18`, `resnet34`, `resnet50` (He et al. 2016, torchvision's), or
            `resnet10w16`: one basic block a stage, 16 channels in the first, 0.3 million weights;
            `resnet7w16`: the shape of the ResNet-9 of speed contests (Page 2018) behind a patch
            stem, 0.1 million weights, a quarter of the time of `resnet10w16` on a CPU;
            `resnet7w32`, twice as wide;
            or `timm:` and the name of a model of timm, which is never downloaded.
        stem: `small` has a 3x3 convolution of stride 1 and no pooling, as SimCLR on CIFAR-10
            (Chen et al. 2020, B.9), patches of 4 px every 2 px in `resnet7w16` and `resnet7w32`
            and of 4 px in a vision transformer; `imagenet` a 7x7 of stride 2 and a pooling,
            patches of 8 px every 4 px in those two, or what timm's model has.
        channels: of the images; the first convolution takes as many.

    Raises:
        ValueError: for an unknown name, with the nearest known one; for a model of timm that has no
            small stem, or without timm.

    >>> backbone("resnet10w16").features
    128
    """
    require_known(name)
    network = _built(name, stem)
    if channels != 3:
        _take_channels(network, channels)
    return network


def count_channels(network: Backbone, weights: Mapping[str, Tensor]) -> int:
    """Channels of the images of weights that were saved of a network like this one."""
    path, _ = _first_convolution(network)
    return weights[f"{path}.weight"].shape[1]


def _take_channels(network: Backbone, channels: int) -> None:
    """Put in a first convolution for images of so many channels, with weights of its own."""
    path, first = _first_convolution(network)
    wider = nn.Conv2d(
        channels,
        first.out_channels,
        first.kernel_size,  # type: ignore[arg-type]
        first.stride,  # type: ignore[arg-type]
        first.padding,  # type: ignore[arg-type]
        bias=first.bias is not None,
    )
    parent, _, name = path.rpartition(".")
    setattr(network.get_submodule(parent), name, wider)


def _first_convolution(network: Backbone) -> tuple[str, nn.Conv2d]:
    """Name and module of the convolution that the image goes into."""
    modules = network.named_modules()
    return next((path, each) for path, each in modules if isinstance(each, nn.Conv2d))


def _built(name: str, stem: str) -> Backbone:
    """The backbone for RGB."""
    if name.startswith(TIMM):
        return _of_timm(name.removeprefix(TIMM), stem)
    if name in _PATCHED:
        return _patched(_PATCHED[name], stem)
    if name in _NARROW:
        return _narrow(_NARROW[name], stem)
    body = _DEEP[name](weights=None)
    features = body.fc.in_features
    body.fc = nn.Identity()
    if stem == "small":
        body.conv1 = nn.Conv2d(3, 64, kernel_size=3, padding=1, bias=False)
        body.maxpool = nn.Identity()
    return Backbone(body, features)


def _patched(width: int, stem: str) -> Backbone:
    """A patch stem, then twice a wider convolution, a pooling and a basic block.

    On a CPU most of a narrow ResNet's time goes to its first stage, few channels at full
    resolution; the patches skip it.
    """
    stride = 2 if stem == "small" else 4
    body = nn.Sequential(
        *_convolution(3, width, kernel=2 * stride, stride=stride, padding=stride // 2),
        *(part for factor in (1, 2) for part in _widened(width * factor)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    return Backbone(body, 4 * width)


def _widened(width: int) -> list[nn.Module]:
    wider = _convolution(width, 2 * width, kernel=3, stride=1, padding=1)
    return [*wider, nn.MaxPool2d(2), BasicBlock(2 * width, 2 * width)]


def _convolution(
    before: int, after: int, *, kernel: int, stride: int, padding: int
) -> list[nn.Module]:
    convolution = nn.Conv2d(before, after, kernel, stride=stride, padding=padding, bias=False)
    return [convolution, nn.BatchNorm2d(after), nn.ReLU()]


def require_known(name: str) -> None:
    """Refuse a backbone that does not exist.

    Raises:
        ValueError: with the nearest known one, or with how to install timm.
    """
    if not name.startswith(TIMM):
        rules.known("backbone", name, NAMES)
        return
    if find_spec("timm") is None:
        raise ValueError(f"`backbone` {name} needs timm: pip install 'tamecrop[timm]'")
    import timm  # slow to import, and optional

    model = name.removeprefix(TIMM)
    if not timm.is_model(model):
        near = difflib.get_close_matches(model, timm.list_models(), n=1)
        hint = f": did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"timm has no model {model!r}{hint}")


def _of_timm(model: str, stem: str) -> Backbone:
    """A model of timm without its classifier; a vision transformer takes images of any size."""
    import timm

    options: dict[str, object] = {}
    if timm.models.is_model_in_modules(model, ["vision_transformer"]):
        options = {"dynamic_img_size": True, "dynamic_img_pad": True}
        options |= {"img_size": 32, "patch_size": 4} if stem == "small" else {}
    body = timm.create_model(model, pretrained=False, num_classes=0, **options)
    if stem == "small" and not options:
        if not (isinstance(getattr(body, "conv1", None), nn.Conv2d) and hasattr(body, "maxpool")):
            raise ValueError(f"`stem` must be imagenet for {TIMM}{model}, which has no small one")
        width = body.conv1.out_channels
        body.conv1 = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        body.maxpool = nn.Identity()
    # Some models widen their features once more before the classifier.
    return Backbone(body, getattr(body, "head_hidden_size", None) or body.num_features)


def _narrow(width: int, stem: str) -> Backbone:
    """Four stages of one basic block each, doubling width and halving resolution."""
    widths = [width, width, 2 * width, 4 * width, 8 * width]
    stages = [
        _stage(before, after, stride=1 if before == after else 2)
        for before, after in pairwise(widths)
    ]
    first: list[nn.Module] = (
        _convolution(3, width, kernel=3, stride=1, padding=1)
        if stem == "small"
        else [
            *_convolution(3, width, kernel=7, stride=2, padding=3),
            nn.MaxPool2d(3, stride=2, padding=1),
        ]
    )
    body = nn.Sequential(*first, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Backbone(body, widths[-1])


def _stage(before: int, after: int, *, stride: int) -> BasicBlock:
    if before == after:
        return BasicBlock(before, after)
    shortcut = nn.Sequential(
        nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after)
    )
    return BasicBlock(before, after, stride=stride, downsample=shortcut)


def batch_norms(network: nn.Module) -> list[nn.Module]:
    """The layers that take statistics of a batch."""
    return [each for each in network.modules() if isinstance(each, _BatchNorm)]


@contextmanager
def without_traces(method: nn.Module) -> Iterator[None]:
    """Let batch norm see the batch, as in a step, and forget it."""
    before = [(each, [b.clone() for b in each.buffers()]) for each in batch_norms(method)]
    try:
        yield
    finally:
        for each, buffers in before:
            for buffer, value in zip(each.buffers(), buffers, strict=True):
                buffer.copy_(value)


@contextmanager
def recomputed(network: nn.Module) -> Iterator[None]:
    """Keep no activations inside the blocks of a network: the backward pass makes them anew.

    Memory is that of one block and of what blocks hand on, time one more forward pass; outputs and
    gradients stay the same, and batch norm counts each batch once.

    Relation: gradient checkpointing (Chen et al. 2016, arXiv:1604.06174), by torch's.

    Args:
        network: with blocks in a sequence: residual blocks, those of a transformer.

    Raises:
        ValueError: when it has none.
    """
    found = require_blocks(network)
    for block in found:
        block.forward = partial(_passed_twice, block, block.forward)
    try:
        yield
    finally:
        for block in found:
            del block.forward


def require_blocks(network: nn.Module) -> list[nn.Module]:
    """The blocks whose activations can be made anew.

    Raises:
        ValueError: when there are none.
    """
    found = blocks(network)
    if not found:
        raise ValueError("`activations` must be keep for a backbone without blocks in a sequence")
    return found


def blocks(network: nn.Module) -> list[nn.Module]:
    """The parts of sequences of a network that hold several layers with weights, the innermost."""
    found = [
        each
        for sequence in network.modules()
        if isinstance(sequence, nn.Sequential | nn.ModuleList)
        for each in sequence
        if sum(any(True for _ in part.parameters(recurse=False)) for part in each.modules()) > 1
    ]
    inner = {id(part) for part in found}
    return [
        each for each in found if not any(id(part) in inner for part in list(each.modules())[1:])
    ]


def _passed_twice(block: nn.Module, forward: Any, *inputs: Any, **more: Any) -> Any:
    contexts = lambda: (nullcontext(), without_traces(block))  # noqa: E731
    return checkpoint(forward, *inputs, use_reentrant=False, context_fn=contexts, **more)

"""The reference network, which says whether a view still shows what the whole image shows."""

import importlib.util
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import safetensors.torch
import torch
import torchvision
from torch import Tensor, nn

from tamecrop.geometry import rules
from tamecrop.views.photometric import normalize, unit

Kind = Literal["auto", "none", "small", "torchvision", "timm", "run"]

_BATCH = 250
_NAMED = ("torchvision", "timm", "run")


@dataclass(frozen=True)
class ReferenceName:
    """The text of `--reference`, read.

    Args:
        kind: `auto` (a small one is trained where there are labels, torchvision's ResNet-18 else),
            `none`, `small` (trained on the spot), `torchvision`, `timm`, or `run`.
        name: of the model, or the folder of a finished tamecrop run.
        weights: a safetensors file with the model's weights; None for those that come with it.
    """

    kind: Kind
    name: str = ""
    weights: Path | None = None


def read_reference(text: str) -> ReferenceName:
    """Read `auto`, `none`, `small`, `torchvision:NAME[@FILE]`, `timm:NAME[@FILE]`, `run:FOLDER`.

    Raises:
        ValueError: for another kind, or a name that is missing or too many.

    >>> read_reference("torchvision:resnet18@flowers.safetensors").weights
    PosixPath('flowers.safetensors')
    """
    kind, _, tail = text.partition(":")
    rules.known("reference", kind, get_args(Kind))
    if bool(tail) != (kind in _NAMED):
        raise ValueError(f"`reference` is written {', '.join(_NAMED)}:NAME or a word, got {text!r}")
    if kind == "run":
        return ReferenceName("run", tail)
    name, at, file = tail.partition("@")
    if bool(at) != bool(file):
        raise ValueError(f"`reference` must name a file after @, got {text!r}")
    return ReferenceName(kind, name, Path(file) if file else None)  # type: ignore[arg-type]


class Output(NamedTuple):
    """Features `(B, D)` of some views, and the classes `(B,)` that a classifier gives them."""

    features: Tensor
    classes: Tensor | None


@dataclass(frozen=True, eq=False)
class Reference:
    """A network in eval mode for square views.

    Args:
        name: what it is, for people.
        side: of its input, in pixels.
        body: normalized images `(B, C, side, side)` to features `(B, D)`.
        head: features to scores `(B, classes)`, or None for features alone.
        mean: of each channel in [0, 1]; as many channels go in.
        std: likewise.
        fill: of each channel in [0, 1], what views show outside the image: black, or the mean
            color for a network that was not trained on fill.
        trained_on_fill: whether it has learned to classify views with fill.
    """

    name: str
    side: int
    body: nn.Module
    head: Callable[[Tensor], Tensor] | None
    mean: Sequence[float]
    std: Sequence[float]
    fill: Sequence[float] = (0.0,)
    trained_on_fill: bool = False

    def run(self, views: Tensor) -> Output:
        """Features and classes of uint8 views `(B, C, side, side)`; one channel is repeated."""
        self.body.eval()
        with ThreadPoolExecutor() as pool:  # batches side by side, each with torch's own threads
            parts = list(pool.map(self._compute_features, views.split(_BATCH)))
        with torch.inference_mode():
            features = torch.cat(parts)
            classes = None if self.head is None else self.head(features).argmax(1)
        return Output(features, classes)

    @torch.inference_mode()
    def _compute_features(self, batch: Tensor) -> Tensor:
        inputs = normalize(unit(batch.expand(-1, len(self.mean), -1, -1)), self.mean, self.std)
        features: Tensor = self.body(inputs.contiguous(memory_format=torch.channels_last))
        return features.flatten(1).float()


_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SIDE = 224


def load_network(named: ReferenceName, classes: Sequence[str] | None) -> Reference:
    """Load a model of torchvision or timm.

    Its own weights are those that the library ships (downloaded once by it). Weights from a file
    are for a model trained on the data's own classes, in their order.

    Args:
        named: kind `torchvision` or `timm`.
        classes: of the data; None where it has no labels, and only features are wanted.

    Raises:
        ValueError: for an unknown model, one without a last linear layer, weights that do not fit,
            or one that does not know the data's classes.
        OSError: when the weights cannot be had.
    """
    loaders = {"torchvision": _load_torchvision, "timm": _load_timm}
    try:
        model, known, settings = loaders[named.kind](named, classes)
    except OSError as error:
        raise OSError(f"the weights of {named.name} cannot be had: {error}") from error
    body, linear = remove_head(model, named.name)
    head = None if classes is None else _select_classes(linear, known, classes, name=named.name)
    words = f"{named.kind}:{named.name}" + (f" with {named.weights}" if named.weights else "")
    mean, std = settings["mean"], settings["std"]
    return Reference(words, settings["side"], body, head, mean, std, fill=mean)


Loaded = tuple[nn.Module, list[set[str]] | None, dict[str, Any]]
"""A model, the names of each of its classes (None: those of the data), side, mean and std."""


def _load_torchvision(named: ReferenceName, classes: Sequence[str] | None) -> Loaded:
    rules.known("torchvision model", named.name, torchvision.models.list_models(torchvision.models))
    settings: dict[str, Any] = {"side": _SIDE, "mean": _IMAGENET[0], "std": _IMAGENET[1]}
    if named.weights is not None:
        model = torchvision.models.get_model(
            named.name, weights=None, num_classes=_count_classes(classes)
        )
        return _load_weights(model, named), None, settings
    weights = torchvision.models.get_model_weights(named.name).DEFAULT
    shown = weights.transforms()
    settings = {"side": shown.crop_size[0], "mean": shown.mean, "std": shown.std}
    model = torchvision.models.get_model(named.name, weights="DEFAULT")
    return model, [{name} for name in weights.meta["categories"]], settings


def _load_timm(named: ReferenceName, classes: Sequence[str] | None) -> Loaded:
    if importlib.util.find_spec("timm") is None:
        raise ValueError("`reference` timm:... needs timm: pip install timm")
    import timm

    if not timm.is_model(named.name):
        near = ", ".join(timm.list_models(f"*{named.name[:6]}*")[:3]) or "see timm.list_models()"
        raise ValueError(f"unknown timm model {named.name!r}: there are {near}")
    if named.weights is None:
        model = timm.create_model(named.name, pretrained=True)
    else:
        model = timm.create_model(named.name, pretrained=False, num_classes=_count_classes(classes))
        _load_weights(model, named)
    shown = timm.data.resolve_model_data_config(model)
    settings = {"side": shown["input_size"][-1], "mean": shown["mean"], "std": shown["std"]}
    return model, None if named.weights else _list_timm_names(model), settings


def _list_timm_names(model: nn.Module) -> list[set[str]]:
    """Identifiers and descriptions of the classes that timm knows for a model."""
    from timm.data import ImageNetInfo, infer_imagenet_subset

    subset = infer_imagenet_subset(model)
    if subset is None:
        return []
    info = ImageNetInfo(subset)
    return [
        {
            info.index_to_label_name(place),
            *info.index_to_description(place).split(", "),
        }
        for place in range(info.num_classes())
    ]


def _load_weights(model: nn.Module, named: ReferenceName) -> nn.Module:
    assert named.weights is not None, "called for weights in a file"
    if not named.weights.is_file():
        raise ValueError(f"`reference` must name a file that exists, got {named.weights}")
    try:
        model.load_state_dict(safetensors.torch.load_file(named.weights))
    except (RuntimeError, safetensors.SafetensorError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise ValueError(f"{named.weights} does not fit {named.name}: {reason}") from error
    return model


def _count_classes(classes: Sequence[str] | None) -> int:
    """Outputs of a model whose weights are in a file: ImageNet's where only features matter."""
    return 1000 if classes is None else len(classes)


def remove_head(model: nn.Module, name: str) -> tuple[nn.Module, nn.Linear]:
    """Take the last linear layer off a model: the rest, and that layer.

    Raises:
        ValueError: for a model that has none.
    """
    layers = [(path, part) for path, part in model.named_modules() if isinstance(part, nn.Linear)]
    if not layers:
        raise ValueError(f"`reference` must end in a linear layer, and {name} has none")
    path, linear = layers[-1]
    parent, _, place = path.rpartition(".")
    setattr(model.get_submodule(parent), place, nn.Identity())
    return model.eval(), linear.eval()


def _select_classes(
    linear: nn.Linear, known: list[set[str]] | None, classes: Sequence[str], *, name: str
) -> Callable[[Tensor], Tensor]:
    """Scores of the data's classes, in their order."""
    if known is None:
        return linear
    places = {_normalize_name(each): place for place, names in enumerate(known) for each in names}
    missing = [each for each in classes if _normalize_name(each) not in places]
    if missing:
        raise ValueError(
            f"`reference` {name} knows {len(known)} classes, and {len(missing)} of the data's "
            f"{len(classes)} are not among them, such as {missing[0]!r}: name a model trained on "
            "these classes, or `small`"
        )
    chosen = torch.tensor([places[_normalize_name(each)] for each in classes])
    return lambda features: linear(features)[:, chosen]


def _normalize_name(name: str) -> str:
    return name.lower().replace("_", " ").replace("-", " ").strip()

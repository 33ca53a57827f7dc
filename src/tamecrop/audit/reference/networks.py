"""Reference networks from torchvision and timm: loaded, beheaded, their classes matched."""

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

import safetensors.torch
import torch
import torchvision
from torch import Tensor, nn

from tamecrop.audit.reference.network import Named, Reference
from tamecrop.geometry import rules

_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SIDE = 224


def network(named: Named, classes: Sequence[str] | None) -> Reference:
    """Load a model that a person named.

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
    loaders = {"torchvision": _from_torchvision, "timm": _from_timm}
    try:
        model, known, settings = loaders[named.kind](named, classes)
    except OSError as error:
        raise OSError(f"the weights of {named.name} cannot be had: {error}") from error
    body, linear = beheaded(model, named.name)
    head = None if classes is None else _head(linear, known, classes, name=named.name)
    words = f"{named.kind}:{named.name}" + (f" with {named.weights}" if named.weights else "")
    return Reference(words, settings["side"], body, head, settings["mean"], settings["std"])


Loaded = tuple[nn.Module, list[set[str]] | None, dict[str, Any]]
"""A model, the names of each of its classes (None: those of the data), side, mean and std."""


def _from_torchvision(named: Named, classes: Sequence[str] | None) -> Loaded:
    rules.known("torchvision model", named.name, torchvision.models.list_models(torchvision.models))
    settings: dict[str, Any] = {"side": _SIDE, "mean": _IMAGENET[0], "std": _IMAGENET[1]}
    if named.weights is not None:
        model = torchvision.models.get_model(named.name, weights=None, num_classes=_count(classes))
        return _with_file(model, named), None, settings
    weights = torchvision.models.get_model_weights(named.name).DEFAULT
    shown = weights.transforms()
    settings = {"side": shown.crop_size[0], "mean": shown.mean, "std": shown.std}
    model = torchvision.models.get_model(named.name, weights="DEFAULT")
    return model, [{name} for name in weights.meta["categories"]], settings


def _from_timm(named: Named, classes: Sequence[str] | None) -> Loaded:
    if importlib.util.find_spec("timm") is None:
        raise ValueError("`reference` timm:... needs timm: pip install timm")
    import timm

    if not timm.is_model(named.name):
        near = ", ".join(timm.list_models(f"*{named.name[:6]}*")[:3]) or "see timm.list_models()"
        raise ValueError(f"unknown timm model {named.name!r}: there are {near}")
    if named.weights is None:
        model = timm.create_model(named.name, pretrained=True)
    else:
        model = timm.create_model(named.name, pretrained=False, num_classes=_count(classes))
        _with_file(model, named)
    shown = timm.data.resolve_model_data_config(model)
    settings = {"side": shown["input_size"][-1], "mean": shown["mean"], "std": shown["std"]}
    return model, None if named.weights else _timm_names(model), settings


def _timm_names(model: nn.Module) -> list[set[str]]:
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


def _with_file(model: nn.Module, named: Named) -> nn.Module:
    assert named.weights is not None, "called for weights in a file"
    if not named.weights.is_file():
        raise ValueError(f"`reference` must name a file that exists, got {named.weights}")
    try:
        model.load_state_dict(safetensors.torch.load_file(named.weights))
    except (RuntimeError, safetensors.SafetensorError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise ValueError(f"{named.weights} does not fit {named.name}: {reason}") from error
    return model


def _count(classes: Sequence[str] | None) -> int:
    """Outputs of a model whose weights are in a file: ImageNet's where only features matter."""
    return 1000 if classes is None else len(classes)


def beheaded(model: nn.Module, name: str) -> tuple[nn.Module, nn.Linear]:
    """The model without its last linear layer, and that layer.

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


def _head(
    linear: nn.Linear, known: list[set[str]] | None, classes: Sequence[str], *, name: str
) -> Callable[[Tensor], Tensor]:
    """Scores of the data's classes, in their order."""
    if known is None:
        return linear
    places = {_plain(each): place for place, names in enumerate(known) for each in names}
    missing = [each for each in classes if _plain(each) not in places]
    if missing:
        raise ValueError(
            f"`reference` {name} knows {len(known)} classes, and {len(missing)} of the data's "
            f"{len(classes)} are not among them, such as {missing[0]!r}: name a model trained on "
            "these classes, or `small`"
        )
    chosen = torch.tensor([places[_plain(each)] for each in classes])
    return lambda features: linear(features)[:, chosen]


def _plain(name: str) -> str:
    return name.lower().replace("_", " ").replace("-", " ").strip()

"""What older versions wrote, in today's names."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

_TENSORS = {"optimiser.": "optimizer.", "projector.": "method.projector."}
_SIMCLR = {"projector": "two_layer", "dimension": 128, "temperature": 0.2}
"""The keys of a run of format 1 that are settings of its method, with their defaults then."""


def rename_tensors(train: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of `train.safetensors` of format 1, as format 2 names them."""
    return {_rename(name): tensor for name, tensor in train.items()}


def translate_run(run: Mapping[str, Any]) -> dict[str, Any]:
    """What a run is, as an older version recorded it, in today's keys and texts.

    >>> old = {"policy": "gcc:border=recentre", "optimiser": "sgd", "projector": "linear"}
    >>> translate_run(old | {"dimension": 128, "temperature": 0.1})["method"]
    'simclr:projector=linear,temperature=0.1'
    """
    if "method" in run or not _SIMCLR.keys() <= run.keys():
        return dict(run)
    found = {name.replace("optimiser", "optimizer"): value for name, value in run.items()}
    stated = {name: found.pop(name) for name in _SIMCLR}
    differs = ",".join(
        f"{name}={stated[name]}" for name in _SIMCLR if stated[name] != _SIMCLR[name]
    )
    policy = str(found["policy"]).replace("centre", "center")
    return found | {"policy": policy, "method": f"simclr:{differs}" if differs else "simclr"}


def _rename(name: str) -> str:
    for old, new in _TENSORS.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name

"""Methods of self-supervised pre-training, one file each; a file's name is the method's.

A method is chosen by a text in the grammar of crop policies, `simclr:projector=linear`. A new
method is one new file with a subclass of `base.Method`, named `METHOD`.
"""

import pkgutil
from dataclasses import asdict
from importlib import import_module
from typing import Any

from tamecrop.geometry import ViewPlan, rules, text
from tamecrop.learning.methods.base import Backbone, Method, Passes


def names() -> tuple[str, ...]:
    """Names of all methods."""
    return tuple(sorted({each.name for each in pkgutil.iter_modules(__path__)} - {"base"}))


def method(stated: str, backbone: Backbone, *, passes: Passes = "joint") -> Method:
    """A method's untrained networks around a backbone; weights come from torch's generator.

    Args:
        stated: such as `"simclr:projector=linear,temperature=0.1"`.
        backbone: the network kept.
        passes: `joint` or `per_view`; see `tamecrop.learning.config.Pretraining`.

    Raises:
        ValueError: for an unknown method or setting, with the nearest known one, or a value that
            breaks its rule.
    """
    kind, settings = _read(stated)
    return kind(backbone, settings, passes=passes)


def require_usable(stated: str, plan: ViewPlan, *, batch_size: int) -> None:
    """Refuse a method that is not known, or that cannot train on the views of a plan.

    Args:
        stated: the method's text.
        plan: of the views.
        batch_size: images per global batch.

    Raises:
        ValueError: naming the method and what it needs.
    """
    kind, settings = _read(stated)
    kind.check(settings, plan.trained_on, batch_size=batch_size)


def canonical(stated: str) -> str:
    """The shortest text of the same method: what equals its default is left out.

    >>> canonical("simclr:temperature=0.20,projector=linear")
    'simclr:projector=linear'
    """
    kind, settings = _read(stated)
    usual = asdict(kind.settings_type())
    return text.join(_name(stated), {k: v for k, v in asdict(settings).items() if v != usual[k]})


def _read(stated: str) -> tuple[type[Method], Any]:
    """The class that a text names, and its settings."""
    name = _name(stated)
    rules.known("method", name, names())
    kind: type[Method] = import_module(f"{__name__}.{name}").METHOD
    fields = text.fields_of(kind.settings_type)
    found = text.read_settings(stated.partition(":")[2], stated, what="method", keys=fields)
    return kind, kind.settings_type(**{key: text.cast(fields[key], found[key]) for key in found})


def _name(stated: str) -> str:
    return stated.partition(":")[0].strip()

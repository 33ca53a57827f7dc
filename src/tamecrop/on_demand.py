"""Names of a package that are imported when they are first asked for, and what they need."""

import ast
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

_EXTRAS = {"torch": "torch", "torchvision": "torch", "tifffile": "tiff", "timm": "timm"}
"""The extra of `pip install 'tamecrop[...]'` that brings a package; `train` brings the others."""


def front(
    package: str, file: str
) -> tuple[list[str], Callable[[str], object], Callable[[], list[str]]]:
    """The `__all__`, `__getattr__` and `__dir__` of a package whose stub says its names.

    `__init__.pyi` beside `__init__.py` holds nothing but lines `from module import name as name`: a
    type checker reads them as they are, and here each says where its name is imported from.

    Args:
        package: its `__name__`.
        file: its `__file__`.
    """
    lines = ast.parse(Path(file).with_name("__init__.pyi").read_text("utf-8")).body
    sources = {
        alias.name: f"{line.module}:{alias.name}"
        for line in lines
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    }
    return sorted(sources), *on_demand(package, sources)


def on_demand(
    package: str, sources: Mapping[str, str], *, hidden: Sequence[str] = ()
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package that imports its names late.

    A package calls this outside of `TYPE_CHECKING`, beside imports of the same names inside of it:
    a type checker then knows each name, and no other.

    Args:
        package: its `__name__`.
        sources: name to `module:attribute`, or to a `module`.
        hidden: packages inside this one that a name of `sources` hides. Python makes a package an
            attribute of its parent once, when it loads it: these are loaded here and taken off
            again, so that the attribute is the name from `sources` whatever is imported later.
            They must be quick to load.

    Raises:
        AttributeError: by the `__getattr__`, for every other name.
        ModuleNotFoundError: by the `__getattr__`, for a name whose packages are not installed.
    """
    owner = sys.modules[package]

    def get(name: str) -> object:
        if name not in sources:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, _, attribute = sources[name].partition(":")
        found = import_needed(module)
        value: object = getattr(found, attribute) if attribute else found
        setattr(owner, name, value)
        return value

    def names() -> list[str]:
        return list(owner.__all__)

    for each in hidden:
        import_module(f"{package}.{each}")
        delattr(owner, each)
    return get, names


def import_needed(module: str) -> Any:
    """A module of this package; what it needs may not be installed.

    Raises:
        ModuleNotFoundError: with the command that installs what is missing.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if is_ours(error):
            raise
        raise ModuleNotFoundError(missing(error), name=error.name) from None


def is_ours(error: ModuleNotFoundError) -> bool:
    """Whether the module that is missing is one of this package: a defect, not a missing extra."""
    return _root(error) == "tamecrop"


def missing(error: ModuleNotFoundError) -> str:
    """What to do when a package is not installed."""
    package = _root(error)
    extra = _EXTRAS.get(package, "train")
    return f"{package} is not installed: pip install 'tamecrop[{extra}]'"


def _root(error: ModuleNotFoundError) -> str:
    return (error.name or "tamecrop").partition(".")[0]

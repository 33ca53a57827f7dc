"""Names of a package that are imported when they are first asked for, and what they need."""

import ast
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

_EXTRAS = {
    "torch": "torch",
    "torchvision": "torch",
    "tifffile": "tiff",
    "timm": "timm",
    "gradio": "explore",
    "datasets": "hf",
    "ray": "ray",
    "submitit": "slurm",
}
"""The extra of `pip install 'tamecrop[...]'` that brings a package; `train` brings the others."""


def front(
    package: str, file: str, *, hidden: Sequence[str] = ()
) -> tuple[list[str], Callable[[str], object], Callable[[], list[str]]]:
    """The `__all__`, `__getattr__` and `__dir__` of a package whose stub says its names.

    `__init__.pyi` beside `__init__.py` holds lines `from module import name as name`, and
    `public = NAME` where a name has another one here: a type checker reads them as they are, and
    here each says where its name is imported from.

    Args:
        package: its `__name__`.
        file: its `__file__`.
        hidden: packages inside this one that a name of the stub hides. Python makes a package an
            attribute of its parent once, when it loads it: these are loaded here and taken off
            again, so that the attribute is the name from the stub whatever is imported later. They
            must be quick to load.

    Raises:
        AttributeError: by the `__getattr__`, for every other name.
        ModuleNotFoundError: by the `__getattr__`, for a name whose packages are not installed.
    """
    owner = sys.modules[package]
    sources = read_stub(Path(file).with_name("__init__.pyi").read_text("utf-8"))
    listed = sorted(sources)

    def get(name: str) -> object:
        if name not in sources:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, attribute = sources[name]
        found = import_needed(module)
        if hasattr(found, attribute):
            value: object = getattr(found, attribute)
        else:  # a file of a package, as Python's own `from` tries it
            value = import_needed(f"{module}.{attribute}")
        setattr(owner, name, value)
        return value

    for each in hidden:
        import_module(f"{package}.{each}")
        delattr(owner, each)
    return listed, get, lambda: list(listed)


def read_stub(text: str) -> dict[str, tuple[str, str]]:
    """Where each public name of a stub comes from: module and attribute, as a type checker has it.

    >>> read_stub("from a.b import c as c, D; d = D")
    {'c': ('a.b', 'c'), 'd': ('a.b', 'D')}
    """
    public, known = dict[str, tuple[str, str]](), dict[str, tuple[str, str]]()
    for line in ast.parse(text).body:
        match line:
            case ast.ImportFrom(module=str(module), names=names):
                found = {alias.name: (module, alias.name) for alias in names}
                known |= found
                public |= {alias.name: found[alias.name] for alias in names if alias.asname}
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name(id=other)):
                public[name] = known[other]
    return public


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

"""Names of a package that are imported when they are first asked for."""

import ast
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path


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
    """
    owner = sys.modules[package]

    def get(name: str) -> object:
        if name not in sources:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, _, attribute = sources[name].partition(":")
        found = import_module(module)
        value: object = getattr(found, attribute) if attribute else found
        setattr(owner, name, value)
        return value

    def names() -> list[str]:
        return list(owner.__all__)

    for each in hidden:
        import_module(f"{package}.{each}")
        delattr(owner, each)
    return get, names

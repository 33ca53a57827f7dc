"""Names of a package that are imported when they are first asked for."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


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

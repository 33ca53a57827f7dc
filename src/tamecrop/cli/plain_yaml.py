"""YAML of plain values alone: tags are refused by its safe loader, aliases here.

An alias stands for a value somewhere else, and a few lines of aliases of aliases for millions of
values: whatever walks through them then never ends.
"""

from typing import Any

import yaml
from jsonargparse import get_loader, set_loader

_parsed = get_loader("yaml")


def load(text: str) -> Any:
    """What a text of YAML says.

    Raises:
        yaml.YAMLError: for aliases, for tags that name code, and for what is no YAML.
    """
    if "&" in text and any(isinstance(event, yaml.AliasEvent) for event in _events(text)):
        raise yaml.YAMLError("aliases (`*name`) are not read: write the values out")
    return _parsed(text)


def use() -> None:
    """Let every parser read its values and files this way."""
    set_loader("yaml", load, exceptions=(yaml.YAMLError,))


def _events(text: str) -> Any:
    return yaml.parse(text, Loader=yaml.SafeLoader)

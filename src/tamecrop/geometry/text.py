"""The text form of a policy: `name:key=value,...`, written and read.

A policy's settings are one flat table: a word for each part (`extent=fixed`) and the fields of
the parts chosen (`scale=0.4`). A preset is a table of defaults; a text names it and what differs.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from tamecrop.geometry import rules
from tamecrop.geometry.borders import BORDERS
from tamecrop.geometry.centers import CENTERS
from tamecrop.geometry.extents import EXTENTS
from tamecrop.geometry.pairs import PAIRS
from tamecrop.geometry.presets import PLANS, PRESETS, Setting
from tamecrop.geometry.regions import REGIONS
from tamecrop.geometry.roundings import ROUNDINGS

PARTS: dict[str, Mapping[str, Any]] = {
    "extent": EXTENTS,
    "center": CENTERS,
    "border": BORDERS,
    "pair": PAIRS,
    "rounding": {name: type(rule) for name, rule in ROUNDINGS.items()},
    "region": REGIONS,
}
KINDS: dict[str, Setting] = {
    "extent": "fixed",
    "center": "uniform",
    "border": "pad",
    "pair": "independent",
    "rounding": "nearest",
    "region": "image",
}
SELDOM: dict[str, Setting] = {"region": "image", "threshold": 0.1}
"""Settings that every policy leaves out where they are so."""

ELSEWHERE = {"randomresizedcrop": "rrc", "randomcrop": "rc"}
"""What hosts call a policy that has a name of ours."""

EXCLUSIVE = {"sigma": "alpha", "alpha": "sigma"}
ALWAYS_STATED = {"scale", "padding", "sigma", "alpha"}

GROUP = re.compile(
    r"(?:(?:(?P<kept>\d+)\s*of\s*)?(?P<views>\d+)\s*x\s+)?"
    r"(?P<policy>(?!\d+x\b)[^\s@]+)(?:\s*@\s*(?P<size>\S+))?"
)
"""A group of a view plan; a policy alone is one without a number and a size."""


def split_plan(text: str) -> list[str]:
    """The groups of a view plan, as text."""
    name = text.strip()
    return re.split(r"\s+\+\s+", PLANS[name].text if name in PLANS else name)


def read(text: str) -> dict[str, Any]:
    """The parts and the name that a text states, as arguments of `Policy`."""
    group, *others = split_plan(text)
    found = GROUP.fullmatch(group)
    if others or (found and (found["views"] or found["size"])):
        raise ValueError(f"one crop policy is asked for, and {text!r} is a view plan")
    if "->" in text:
        return _read_moving(text)
    name, _, tail = text.partition(":")
    name = name.strip()
    if (ours := ELSEWHERE.get(name.lower())) is not None:
        raise ValueError(f"unknown crop policy {name!r}: did you mean {ours!r}?")
    rules.known("crop policy", name, PRESETS)
    stated = read_settings(tail, text, what="crop policy", keys=list_keys())
    defaults = KINDS | dict(PRESETS[name].settings)
    kinds = {part: stated.get(part, defaults[part]) for part in PARTS}
    for part, kind in kinds.items():
        rules.known(part, str(kind), PARTS[part])
    kept = {key: defaults[key] for key in defaults if EXCLUSIVE.get(key) not in stated}
    return _build(kinds, stated, kept, text) | {"name": name}


def write(policy: Any) -> str:
    """The text of a policy: its preset, the numbers a policy is known by, and what else differs."""
    settings = settings_of(policy)
    if policy.later is not None:
        later = settings_of(policy.later)
        moved = {key: value for key, value in settings.items() if later[key] != value}
        settings |= {key: f"{_word(value)}->{_word(later[key])}" for key, value in moved.items()}
        settings["over"] = policy.over
    usual = {} if policy.name == "crop" else _settings(read(policy.name))
    lost = [key for key in usual if key not in settings and EXCLUSIVE.get(key) not in settings]
    left_out = SELDOM if lost else SELDOM | usual
    differs = {k: v for k, v in settings.items() if k in ALWAYS_STATED or left_out.get(k) != v}
    return join("crop" if lost else policy.name, differs)


def settings_of(policy: Any) -> dict[str, Setting]:
    """Every setting of a policy that has a value, by its key in the text."""
    return _settings({part: getattr(policy, part) for part in PARTS})


def _read_moving(text: str) -> dict[str, Any]:
    """The same of a text in which a setting moves, such as `scale=0.5..1->0.2..1,over=100`."""
    stated = _OVER.search(text)
    if stated is None or not stated[1].strip().isdecimal():
        raise ValueError(f"`a->b` needs `over=EPOCHS`, the epochs in which a comes to b: {text!r}")
    still = _OVER.sub("", text)
    first, last = (re.sub(pattern, "", still) for pattern in (r"->[^,]*", r"(?<==)[^,=]*->"))
    return read(first) | {"later": read(last), "over": int(stated[1])}


_OVER = re.compile(r"[,:]\s*over\s*=([^,]*)")


def read_settings(tail: str, text: str, *, what: str, keys: Iterable[str]) -> dict[str, Setting]:
    """The `key=value,...` of a text `name:key=value,...`, as numbers, ranges and words.

    Args:
        tail: what follows the colon.
        text: the whole text, which an error quotes.
        what: such a text names, for an error.
        keys: known ones.

    Raises:
        ValueError: for a text that is not so written, an unknown key, with the nearest known one,
            or a key that is given twice.
    """
    words = split_settings(tail, text, what=what, keys=keys)
    return {key: _value(word, f"{key}={word}") for key, word in words.items()}


def split_settings(tail: str, text: str, *, what: str, keys: Iterable[str]) -> dict[str, str]:
    """The same as words.

    Raises:
        ValueError: as `read_settings`.
    """
    stated: dict[str, str] = {}
    for item in filter(None, (item.strip() for item in tail.split(","))):
        key, equals, value = (word.strip() for word in item.partition("="))
        if not equals or not value:
            raise ValueError(f"a {what} is written name:key=value,..., got {item!r} in {text!r}")
        rules.known(f"key of a {what}", key, keys)
        if key in stated:
            raise ValueError(f"`{key}` must be given once, got it twice in {text!r}")
        stated[key] = value
    return stated


def _value(word: str, item: str) -> Setting:
    """A number, a range or a word; `item` is what an error quotes."""
    low, dots, high = word.partition("..")
    if dots:
        return _number(low, item), _number(high, item)
    return _number(word, item) if word[0] in "+-.0123456789" else word


_SMALL, _LONG = 99, 8
"""A number of more signs than this is printed as a fraction, if it is one of small numbers."""


def _number(word: str, item: str) -> float:
    try:
        return float(Fraction(word)) if "/" in word else float(word)
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(f"expected a number or a range low..high, got {item!r}") from error


def _build(
    kinds: Mapping[str, Setting],
    stated: Mapping[str, Setting],
    defaults: Mapping[str, Setting],
    text: str,
) -> dict[str, Any]:
    """Make the parts: each takes the settings that are its fields; every stated one is taken."""
    parts, taken = {}, set(PARTS)
    for part, kind in kinds.items():
        made_of = PARTS[part][str(kind)]
        fields = fields_of(made_of)
        chosen = {k: v for k, v in (dict(defaults) | dict(stated)).items() if k in fields}
        parts[part] = made_of(**{key: cast(fields[key], v) for key, v in chosen.items()})
        taken |= fields.keys()
    for key in stated:
        if key not in taken:
            chosen_kinds = ", ".join(f"{part}={kind}" for part, kind in kinds.items())
            raise ValueError(f"`{key}` has no meaning in {text!r}, which has {chosen_kinds}")
    return parts


def cast(annotation: object, value: Setting) -> Setting:
    """Whole numbers for the integer fields; everything else as read."""
    whole = annotation is int and isinstance(value, float) and value.is_integer()
    return int(value) if whole else value  # type: ignore[arg-type]


def fields_of(part: Any) -> dict[str, Any]:
    """Names and types of a dataclass's fields."""
    return {field.name: field.type for field in dataclasses.fields(part)}


def list_keys() -> set[str]:
    """Every key that a policy's text may have."""
    keys = {key for kinds in PARTS.values() for part in kinds.values() for key in fields_of(part)}
    return keys | PARTS.keys()


def _settings(parts: Mapping[str, Any]) -> dict[str, Setting]:
    """The flat table of a policy: each part's word, then its fields."""
    table: dict[str, Setting] = {}
    for name in PARTS:
        part = parts[name]
        table[name] = part.kind
        fields = ((key, getattr(part, key)) for key in fields_of(part))
        table |= {key: value for key, value in fields if value is not None}
    return table


def join(name: str, settings: Mapping[str, Setting]) -> str:
    """The text that `read_settings` reads."""
    pairs = ",".join(f"{key}={_word(value)}" for key, value in settings.items())
    return f"{name}:{pairs}" if pairs else name


def _word(value: Setting) -> str:
    if isinstance(value, tuple):
        return "..".join(map(_word, value))
    if not isinstance(value, float):
        return str(value)
    plain = f"{value:.17g}" if value.is_integer() else str(value)
    fraction = Fraction(value).limit_denominator(_SMALL)
    return str(fraction) if len(plain) > _LONG and float(fraction) == value else plain

"""A view plan as a person moves it on a page: settings from its text, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tamecrop.geometry import rules, text
from tamecrop.geometry.extents import RATIO
from tamecrop.geometry.plans import plan, write_size
from tamecrop.geometry.policy import policy
from tamecrop.geometry.presets import PLANS, PRESETS, SIGMA, Setting

POLICY = "POLICY"
"""Stands in a pattern for the policy of a plan's first group."""

PATTERNS = (
    POLICY,
    f"2x {POLICY} @32",
    f"2x {POLICY} @224",
    f"2of4x {POLICY} @224",
    *dict.fromkeys(each.text.replace(each.text.split()[1], POLICY, 1) for each in PLANS.values()),
)
"""View plans around a policy: two views cut exactly, resized, hard views, the multi-crops."""

CONTROLS = (
    *("preset", "scale_low", "scale_high", "sigma", "border", "ratio_low", "ratio_high"),
    *("pair", "band_low", "band_high", "others", "pattern"),
)
_NEEDS = {
    "scale_high": "scale high",
    "sigma": "sigma",
    "ratio_low": "ratio",
    "ratio_high": "ratio",
    "band_low": "iou",
    "band_high": "iou",
}
"""Knobs that are hidden where a policy does not have what they move."""

HOSTS = (
    "torchvision",
    "Albumentations",
    "Kornia",
    "torchvision, all views of an image",
    "Lightly",
    "Python, boxes of a batch",
    "command line",
)

_MOVED = ("scale", "ratio", "sigma", "border", "pair", "iou")
_BAND = (0.2, 0.6)


@dataclass(frozen=True, kw_only=True)
class Knobs:
    """A view plan as a person moves it: the policy of its first group by hand, the rest as text.

    Args:
        preset: name of the preset policy that it starts from.
        scale: low and high; a policy of one fixed area takes the low end.
        sigma: of a Gaussian center.
        ratio: of random sides.
        border: name of the border rule.
        pair: name of the pair rule.
        band: of IoU, for the pair rules that have one.
        others: the policy's further settings, `key=value,...`.
        pattern: the plan, with `POLICY` for the policy.
    """

    preset: str
    scale: tuple[float, float] = (0.4, 1.0)
    sigma: float = SIGMA
    ratio: tuple[float, float] = RATIO
    border: str = "pad"
    pair: str = "independent"
    band: tuple[float, float] = _BAND
    others: str = ""
    pattern: str = POLICY


def read_knobs(stated: str) -> Knobs:
    """The knobs of a view plan; settings that have none go into `others`.

    Raises:
        ValueError: for a text that names no plan, or a policy that moves with the epoch.

    >>> read_knobs("2x gcc:scale=0.3,rounding=faithful @32").others
    'rounding=faithful'
    """
    shown = plan(stated)
    first = shown.groups[0].policy
    if first.later is not None:
        raise ValueError(f"the page shows a policy of one epoch, got {first}")
    table: dict[str, Any] = text.settings_of(first)
    scale = table["scale"] if isinstance(table["scale"], tuple) else (table["scale"], 1.0)
    others = {key: value for key, value in _read(str(first)).items() if key not in _MOVED}
    return Knobs(
        preset=first.name,
        scale=scale,
        sigma=table.get("sigma", SIGMA),
        ratio=table.get("ratio", RATIO),
        border=table["border"],
        pair=table["pair"],
        band=table.get("iou", _BAND),
        others=text.join("", others).lstrip(":"),
        pattern=str(shown).replace(str(first), POLICY, 1),
    )


def write_plan(knobs: Knobs) -> str:
    """The text of the plan that the knobs stand for.

    Raises:
        ValueError: where they contradict each other, with the rule.

    >>> from dataclasses import replace
    >>> write_plan(replace(read_knobs("gcc"), scale=(0.3, 1.0), border="clamp"))
    'gcc:scale=0.3,sigma=0.2165,border=clamp'
    """
    if POLICY not in knobs.pattern:
        raise ValueError(f"a view plan must hold the word {POLICY}, got {knobs.pattern!r}")
    others = _read(f"{knobs.preset}:{knobs.others}")
    stated = others | {"border": knobs.border, "pair": knobs.pair}
    keys = _find_keys(knobs.preset, stated)
    values: dict[str, Setting] = {
        "scale": knobs.scale if "ratio" in keys else knobs.scale[0],
        "ratio": knobs.ratio,
        "sigma": knobs.sigma,
        "iou": knobs.band,
    }
    stated |= {key: value for key, value in values.items() if key in keys}
    made = policy(text.join(knobs.preset, stated))
    return str(plan(knobs.pattern.replace(POLICY, str(made), 1)))


def list_used(stated: str) -> tuple[str, ...]:
    """The knobs that mean something for the first policy of a plan; `scale high` of a range.

    >>> list_used("rc")
    ('scale', 'border', 'pair')
    """
    table = text.settings_of(plan(stated).groups[0].policy)
    ranged = ("scale high",) if isinstance(table["scale"], tuple) else ()
    return (*(key for key in _MOVED if key in table), *ranged)


def _find_keys(preset: str, stated: Mapping[str, Setting]) -> set[str]:
    """The settings that a policy of these parts has."""
    rules.known("crop policy", preset, PRESETS)
    kinds = text.KINDS | dict(PRESETS[preset].settings) | dict(stated)
    keys = set[str]()
    for part, known in text.PARTS.items():
        rules.known(part, str(kinds[part]), known)
        keys |= text.fields_of(known[str(kinds[part])]).keys()
    taken = {text.EXCLUSIVE.get(key) for key in stated}
    return keys - taken


def _read(stated: str) -> dict[str, Setting]:
    tail = stated.partition(":")[2]
    return text.read_settings(tail, stated, what="crop policy", keys=text.list_keys())


def to_values(knobs: Knobs) -> list[Any]:
    """What each control of a policy shows."""
    (scale, high), (narrow, wide), (low, most) = knobs.scale, knobs.ratio, knobs.band
    start = [knobs.preset, scale, high, knobs.sigma, knobs.border, narrow, wide]
    values = [*start, knobs.pair, low, most, knobs.others, knobs.pattern]
    return [round(each, 4) if isinstance(each, float) else each for each in values]


def from_values(values: Sequence[Any]) -> Knobs:
    """The knobs that the controls of a policy stand for."""
    found = dict(zip(CONTROLS, values, strict=True))

    def read_range(name: str) -> tuple[float, float]:
        return _settle(found[f"{name}_low"]), _settle(found[f"{name}_high"])

    return Knobs(
        preset=found["preset"],
        scale=read_range("scale"),
        sigma=_settle(found["sigma"]),
        ratio=read_range("ratio"),
        border=found["border"],
        pair=found["pair"],
        band=read_range("band"),
        others=found["others"] or "",
        pattern=found["pattern"] or "",
    )


def _settle(value: float) -> float:
    """Four digits of what a slider says; where it stands at 4/3 it means that."""
    return next((end for end in RATIO if round(end, 4) == round(value, 4)), round(value, 4))


def find_visible(text: str) -> dict[str, bool]:
    """Which knobs mean something for a plan."""
    used = list_used(text)
    return {name: _NEEDS.get(name) is None or _NEEDS[name] in used for name in CONTROLS}


def find_line(text: str, host: str) -> str:
    """The line for a host, or why there is none."""
    return write_lines(text).get(host, "# takes one view at a time: choose all views of an image")


def write_lines(text: str) -> dict[str, str]:
    """A plan as each host takes it: a line of Python, or of a shell.

    >>> write_lines("gcc:scale=0.4")["torchvision"]
    'tamecrop.transforms.Crop("gcc:scale=0.4,sigma=0.2165", size=224)'
    """
    shown = plan(text)
    sized = "" if all(group.size for group in shown.groups) else ", size=224"
    written = (
        f'tamecrop.transforms.Views("{shown}"{sized})',
        f'tamecrop.views.SimCLRViews("{shown}"{sized})',
        f'tamecrop.plan("{shown}").draw(sizes, index=index)',
        f'tamecrop compare DATA --policies "rrc:scale=0.2..1" "{shown}"',
    )
    lines = dict(zip(HOSTS[3:], written, strict=True))
    first = shown.groups[0]
    if len(shown.groups) > 1 or first.kept or first.policy.relates_views:
        return lines
    side = write_size(first.size) if first.size else "224"
    sides = side if side.isdecimal() else str(first.size)
    rooms = ("transforms", "views.adapters.albumentations", "views.adapters.kornia")
    made = f'Crop("{first.policy}", size={sides})'
    alone = {host: f"tamecrop.{room}.{made}" for host, room in zip(HOSTS[:3], rooms, strict=True)}
    return alone | lines

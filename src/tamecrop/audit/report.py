"""The page of an audit, self-contained, and its figures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tamecrop.audit import wording
from tamecrop.audit.measures.suspicious import Suspect
from tamecrop.audit.records import Audit, Audited, group_curves
from tamecrop.audit.subject import Candidate, Subject
from tamecrop.data.decode import DecodeError
from tamecrop.files import write_atomic
from tamecrop.geometry.boxes import Boxes
from tamecrop.reporting import (
    INK,
    MUTED,
    Look,
    Tile,
    bare,
    color,
    cut_tile,
    embed,
    marker,
    new_figure,
    page,
    png,
    sheet_figure,
    tiles_figure,
    use_theme,
    wrap,
)

HOW_TO_READ = {
    "trade_off": (
        "What is kept against how different the views are",
        "Right: the two views of an image differ more. Up: more of them still show what the image "
        "stands for. A policy above and to the right of another keeps more at more difference. "
        "The star is the policy in use; a line follows one parameter of the policy of its color.",
    ),
    "coverage": (
        "What is seen",
        "How often a view shows each place of the image, all images laid over each other. Lines "
        "at 25, 50 and 75 %. Of many policies the first eight are drawn, here and below.",
    ),
    "views": (
        "Both views on your images",
        "The colored boxes are the views of one image, to the right what they show; "
        "known objects are dashed. The caption gives the IoU of the contents and how much of the "
        "object that both show most of each view covers.",
    ),
    "suspects": (
        "The most suspicious pairs",
        "Pairs that training would call the same although they share least: the least covered "
        "common object, or else the least similar features, or the least overlap.",
    ),
}


def publish(
    subject: Subject,
    candidates: Sequence[Candidate],
    audit: Audit,
    suspects: Mapping[str, Sequence[Suspect]],
    out: Path,
) -> None:
    """Write the figures and `report.html` of an audit, also of one that stopped on its way.

    Args:
        subject: the images.
        candidates: what was audited.
        audit: the record, with at least one policy.
        suspects: the most suspicious pairs by the name of a candidate.
        out: folder.
    """
    named = [each for each in candidates if each.curve is None]
    figures = {
        "trade_off": draw_trade_off(audit),
        "coverage": draw_coverage(audit),
        "views": draw_views(subject, named, seed=audit.seed),
        "suspects": draw_suspects(subject, named, suspects),
    }
    pictures = {
        name: png(figure, dpi=110) for name, figure in figures.items() if figure is not None
    }
    folder = out / "figures"
    folder.mkdir(exist_ok=True)
    for name, picture in pictures.items():
        write_atomic(folder / f"{name}.png", picture)
    write_atomic(out / "report.html", render_page(audit, pictures).encode())


def render_page(audit: Audit, pictures: Mapping[str, bytes]) -> str:
    """The page as text; images are embedded, nothing is loaded from elsewhere.

    Args:
        audit: with at least one policy.
        pictures: PNG by name of `HOW_TO_READ`; sheets that could not be drawn are left out.
    """
    shown = {name: words for name, words in HOW_TO_READ.items() if name in pictures}
    return page(
        "audit.html",
        audit=audit,
        lead=wording.write_lead(audit),
        verdict=wording.write_verdict(audit),
        columns=wording.list_columns(audit),
        rows=wording.list_rows(audit),
        definitions=wording.list_definitions(audit),
        figures=embed(shown, dict(pictures)),
        facts=wording.list_facts(audit),
    )


LABELS = {
    "pair_share": "pairs that show the same object",
    "pair_label_agreement": "pairs that keep the label",
    "pair_similarity": "cosine of the views' features",
}

_LABELED = 4
"""More curves than these would hide each other's labels at their ends."""

_SHOWN = 4
_ROWS = 8
"""Policies whose pictures are drawn: the first ones."""

_TRIED = 50


def draw_trade_off(audit: Audit) -> Figure:
    """Preservation against diversity: a point a policy, a curve a sweep.

    Args:
        audit: With at least one policy. One panel for each measure of preservation; without any the
            share of content stands in.
    """
    measures = audit.measures or ("content_share_mean",)
    with use_theme():
        legend = 0.2 * max(0, -(-len(audit.named) // 2) - 3)
        width = 1.2 + (5.2 if len(measures) == 1 else 4.2) * len(measures)
        figure = new_figure(width, 4.8 + legend)
        panels = figure.subplots(1, len(measures), squeeze=False).ravel()
        for axes, name in zip(panels, measures, strict=True):
            _draw_trade_off_panel(axes, audit, name)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
    return figure


def _draw_trade_off_panel(axes: Axes, audit: Audit, name: str) -> None:
    places = {each.name: place for place, each in enumerate(audit.named)}
    for curve, points in group_curves(audit).items():
        _draw_curve(axes, [_find_point(each, name) for each in points], color(places[curve.policy]))
        for each in (points[0], points[-1]) if len(group_curves(audit)) <= _LABELED else ():
            words = f"{curve.swept} {_find_value(each.policy, curve.swept)}"
            axes.annotate(
                words,
                _find_point(each, name),
                (4, 4),
                textcoords="offset points",
                fontsize=7,
                color=color(places[curve.policy]),
            )
    for each in audit.named:
        x, y = _find_point(each, name)
        here = each.name == audit.current
        label = wrap(each.name, width=60) + (" (current)" if here else "")
        axes.plot(
            x,
            y,
            "*" if here else marker(places[each.name]),
            color=color(places[each.name]),
            markersize=16 if here else 8,
            markeredgecolor="white",
            linestyle="none",
            label=label,
            zorder=3,
        )
    axes.invert_xaxis()
    axes.set_xlabel("mean IoU of the two views (right: more different)")
    axes.set_title(LABELS.get(name, "share of a view that is image"))
    if name != "pair_similarity":
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axes.margins(0.1)


def _draw_curve(axes: Axes, points: Sequence[tuple[float, float]], ink: str) -> None:
    xs, ys = zip(*points, strict=True)
    axes.plot(xs, ys, "-o", color=ink, markersize=3, linewidth=1.2, alpha=0.6)


def _find_point(each: Audited, name: str) -> tuple[float, float]:
    source = each.geometry if name == "content_share_mean" else each.preservation
    value = getattr(source, name)
    return each.geometry.pair_iou_mean, math.nan if value is None else value


def _find_value(policy: str, key: str) -> str:
    """The value that a policy's text states for a key."""
    found = [part for part in policy.partition(":")[2].split(",") if part.startswith(f"{key}=")]
    return found[0].partition("=")[2] if found else ""


def draw_coverage(audit: Audit) -> Figure:
    """How often each place of the image is seen, one panel a named policy, one scale for all."""
    shown = [each for each in audit.named if each.geometry.coverage_map is not None]
    shown = shown[:_ROWS]
    columns = min(5, len(shown))
    rows = -(-len(shown) // columns)
    with use_theme():
        figure = new_figure(2.4 * columns + 0.6, 3.0 * rows)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for place, axes in enumerate(panels):
            bare(axes)
            if place < len(shown):
                _draw_coverage_panel(axes, shown[place], color(place))
        drawn = panels[0].images[0]
        bar = figure.colorbar(drawn, ax=panels.tolist(), shrink=0.7, aspect=30)
        bar.ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        bar.outline.set_visible(False)
    return figure


def _draw_coverage_panel(axes: Axes, each: Audited, ink: str) -> None:
    axes.imshow(each.geometry.coverage_map or (), cmap="Blues", vmin=0, vmax=1, extent=(0, 1, 1, 0))
    axes.contour(
        each.geometry.coverage_map or (),
        levels=(0.25, 0.5, 0.75),
        extent=(0, 1, 0, 1),
        colors=INK,
        linewidths=0.6,
    )
    axes.set_title(wrap(each.policy), color=ink)
    corner = (each.geometry.coverage_map or ((0.0,),))[0][0]
    axes.set_xlabel(f"corner seen by {100 * corner:.0f} % of views", color=MUTED, fontsize=8)


def draw_views(subject: Subject, candidates: Sequence[Candidate], *, seed: int) -> Figure | None:
    """The first readable images under each plan, objects dashed; None when none can be read."""
    found: list[tuple[int, torch.Tensor]] = []
    for place in range(min(_TRIED, len(subject.images))):
        image = _read_image(subject, place)
        if image is not None and len(found) < _SHOWN:
            found.append((place, image))
    if not found:
        return None
    objects = [_take_objects(subject, place) for place, _ in found]
    images = [image for _, image in found]
    plans = tuple(dict.fromkeys(each.views.plan for each in candidates))[:_ROWS]
    return sheet_figure(images, plans, look=Look(seed=seed), objects=objects)


def draw_suspects(
    subject: Subject, candidates: Sequence[Candidate], suspects: Mapping[str, Sequence[Suspect]]
) -> Figure | None:
    """The most suspicious pairs of each policy; None when no image of theirs can be read.

    Args:
        subject: the images.
        candidates: named ones.
        suspects: by the name of the candidate.
    """
    rows = {
        each.name: [
            tile
            for suspect in suspects.get(each.name, ())
            if (tile := _cut_suspect(subject, each, suspect)) is not None
        ]
        for each in candidates[:_ROWS]
    }
    return tiles_figure(rows) if any(rows.values()) else None


def _cut_suspect(subject: Subject, each: Candidate, suspect: Suspect) -> Tile | None:
    image = _read_image(subject, suspect.image)
    if image is None:
        return None
    contents = [policy.content for policy in each.views.policies]
    tile = cut_tile(image, suspect.boxes, contents, Look(), index=suspect.image)
    return replace(tile, objects=_take_objects(subject, suspect.image), note=suspect.why)


def _take_objects(subject: Subject, place: int) -> Boxes:
    boxes = subject.images.boxes
    return np.empty((0, 4), dtype=np.int64) if boxes is None else boxes[place]


def _read_image(subject: Subject, place: int) -> torch.Tensor | None:
    """An image, or None for a file whose header is sound and whose pixels are not."""
    try:
        return subject.images.image(place)
    except DecodeError:
        return None

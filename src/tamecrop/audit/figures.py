"""The charts of an audit: preservation against diversity, and what each law sees."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tamecrop.audit.curves import curves
from tamecrop.audit.records import Audit, Audited
from tamecrop.reporting.theme import INK, MUTED, bare, color, new_figure, themed, wrapped

LABELS = {
    "pair_share": "pairs that show the same object",
    "pair_label_agreement": "pairs that keep the label",
    "pair_similarity": "cosine of the views' features",
}

_LABELED = 4
"""More curves than these would hide each other's labels at their ends."""


def trade_off_figure(audit: Audit) -> Figure:
    """Preservation against diversity: a point a law, a curve a sweep, a star for the current law.

    Args:
        audit: With at least one law. One panel for each measure of preservation; without any the
            share of content stands in.
    """
    measures = audit.measures or ("content_share_mean",)
    with themed():
        figure = new_figure(1.2 + (5.2 if len(measures) == 1 else 4.2) * len(measures), 4.8)
        panels = figure.subplots(1, len(measures), squeeze=False).ravel()
        for axes, name in zip(panels, measures, strict=True):
            _trade_off_panel(axes, audit, name)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
    return figure


def _trade_off_panel(axes: Axes, audit: Audit, name: str) -> None:
    places = {law.policy: place for place, law in enumerate(audit.named)}
    for curve, points in curves(audit).items():
        _draw_curve(axes, [_point(law, name) for law in points], color(places[curve.law]))
        for law in (points[0], points[-1]) if len(curves(audit)) <= _LABELED else ():
            words = f"{curve.swept} {_value(law.policy, curve.swept)}"
            axes.annotate(
                words,
                _point(law, name),
                (4, 4),
                textcoords="offset points",
                fontsize=7,
                color=color(places[curve.law]),
            )
    for law in audit.named:
        x, y = _point(law, name)
        here = law.policy == audit.current
        label = wrapped(law.policy, width=60) + (" (current)" if here else "")
        axes.plot(
            x,
            y,
            "*" if here else "D",
            color=color(places[law.policy]),
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


def _point(law: Audited, name: str) -> tuple[float, float]:
    source = law.geometry if name == "content_share_mean" else law.preservation
    return law.geometry.pair_iou_mean, getattr(source, name)


def _value(policy: str, key: str) -> str:
    """The value that a law's text states for a key."""
    found = [part for part in policy.partition(":")[2].split(",") if part.startswith(f"{key}=")]
    return found[0].partition("=")[2] if found else ""


def coverage_figure(audit: Audit) -> Figure:
    """How often each place of the image is seen, one panel a named law, one scale for all."""
    laws = [law for law in audit.named if law.geometry.coverage_map is not None]
    columns = min(5, len(laws))
    rows = -(-len(laws) // columns)
    with themed():
        figure = new_figure(2.4 * columns + 0.6, 3.0 * rows)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for place, axes in enumerate(panels):
            bare(axes)
            if place < len(laws):
                _coverage_panel(axes, laws[place], color(place))
        drawn = panels[0].images[0]
        bar = figure.colorbar(drawn, ax=panels.tolist(), shrink=0.7, aspect=30)
        bar.ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        bar.outline.set_visible(False)
    return figure


def _coverage_panel(axes: Axes, law: Audited, ink: str) -> None:
    axes.imshow(law.geometry.coverage_map or (), cmap="Blues", vmin=0, vmax=1, extent=(0, 1, 1, 0))
    axes.contour(
        law.geometry.coverage_map or (),
        levels=(0.25, 0.5, 0.75),
        extent=(0, 1, 0, 1),
        colors=INK,
        linewidths=0.6,
    )
    axes.set_title(wrapped(law.policy), color=ink)
    corner = (law.geometry.coverage_map or ((0.0,),))[0][0]
    axes.set_xlabel(f"corner seen by {100 * corner:.0f} % of views", color=MUTED, fontsize=8)

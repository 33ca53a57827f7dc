"""How every figure and page looks: one palette, one set of matplotlib settings, the templates."""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import matplotlib.style
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK = "#1c2333"
MUTED = "#69707f"
FAINT = "#e3e6ec"
FIRST_VIEW = "#d1495b"
SECOND_VIEW = "#2b6cb0"
PALETTE = ("#3d5a98", "#d97706", "#2a8c6e", "#b8336a", "#7656c4", "#8a7a1f", "#4b8ea8", "#8c4a2f")
_MARKERS = "Ds^vPX"

_SETTINGS: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.size": 10.0,
    "text.color": INK,
    "axes.edgecolor": "#b9bfca",
    "axes.labelcolor": MUTED,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "xtick.color": MUTED,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.constrained_layout.h_pad": 0.08,
}


def color(place: int) -> str:
    """Color of the policy at `place`, the same in every figure of a study."""
    return PALETTE[place % len(PALETTE)]


def marker(place: int) -> str:
    """Marker of the policy at `place`: another one where the colors begin anew."""
    return _MARKERS[place // len(PALETTE) % len(_MARKERS)]


@contextmanager
def use_theme() -> Iterator[None]:
    """Draw in the house style, leaving the caller's matplotlib settings alone."""
    with matplotlib.style.context(_SETTINGS, after_reset=True):
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure on the Agg canvas, in inches; no window, no global state."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure, *, dpi: int = 160) -> bytes:
    """Encode a figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, facecolor="white")
    return buffer.getvalue()


def bare(axes: Axes) -> None:
    """Strip an axes that holds a picture of its ticks, grid and frame."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def wrap(text: str, *, width: int = 24) -> str:
    r"""A policy's text form broken after commas, so that long ones fit beside a chart.

    >>> wrap("gcc:scale=0.4,alpha=1.5,border=recenter")
    'gcc:scale=0.4,alpha=1.5,\nborder=recenter'
    """
    lines: Sequence[str] = [""]
    for part in text.split(","):
        joined = f"{lines[-1]},{part}" if lines[-1] else part
        fits = len(joined) <= width or not lines[-1]
        lines = [*lines[:-1], joined] if fits else [*lines[:-1], f"{lines[-1]},", part]
    return "\n".join(lines)


def page(template: str, **values: Any) -> str:
    """A page of `templates/`; a value that it needs and does not get is an error."""
    return _library().get_template(template).render(**values)


@cache
def _library() -> Environment:
    """The templates, each read and compiled once."""
    return Environment(
        loader=PackageLoader("tamecrop.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
    )


def embed(
    how_to_read: Mapping[str, tuple[str, str]], figures: Mapping[str, bytes]
) -> list[dict[str, str]]:
    """Figures as a page shows them: title, how to read it, and the PNG as text.

    Args:
        how_to_read: Title and explanation by name, in the page's order.
        figures: PNG by name, one for each.
    """
    return [
        {"title": title, "how": how, "data": base64.b64encode(figures[name]).decode()}
        for name, (title, how) in how_to_read.items()
    ]

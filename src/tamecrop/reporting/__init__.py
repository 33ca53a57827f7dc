"""What every page and record uses: environment, JSON, intervals, theme, HTML, view grid."""

from typing import TYPE_CHECKING

from tamecrop.on_demand import on_demand

if TYPE_CHECKING:
    from tamecrop.reporting.environment import Environment
    from tamecrop.reporting.html import embedded, page
    from tamecrop.reporting.intervals import Interval, paired_difference, percent, points, spread
    from tamecrop.reporting.theme import INK, MUTED, bare, color, new_figure, png, themed, wrapped
    from tamecrop.reporting.view_grid import Look, Tile, cut_tile, sheet_figure, tiles_figure
else:
    _SOURCES = {
        "Environment": "tamecrop.reporting.environment:Environment",
        "INK": "tamecrop.reporting.theme:INK",
        "Interval": "tamecrop.reporting.intervals:Interval",
        "Look": "tamecrop.reporting.view_grid:Look",
        "MUTED": "tamecrop.reporting.theme:MUTED",
        "Tile": "tamecrop.reporting.view_grid:Tile",
        "bare": "tamecrop.reporting.theme:bare",
        "color": "tamecrop.reporting.theme:color",
        "cut_tile": "tamecrop.reporting.view_grid:cut_tile",
        "embedded": "tamecrop.reporting.html:embedded",
        "new_figure": "tamecrop.reporting.theme:new_figure",
        "page": "tamecrop.reporting.html:page",
        "paired_difference": "tamecrop.reporting.intervals:paired_difference",
        "percent": "tamecrop.reporting.intervals:percent",
        "png": "tamecrop.reporting.theme:png",
        "points": "tamecrop.reporting.intervals:points",
        "sheet_figure": "tamecrop.reporting.view_grid:sheet_figure",
        "spread": "tamecrop.reporting.intervals:spread",
        "themed": "tamecrop.reporting.theme:themed",
        "tiles_figure": "tamecrop.reporting.view_grid:tiles_figure",
        "wrapped": "tamecrop.reporting.theme:wrapped",
    }
    __getattr__, __dir__ = on_demand(__name__, _SOURCES)

__all__ = [
    "INK",
    "MUTED",
    "Environment",
    "Interval",
    "Look",
    "Tile",
    "bare",
    "color",
    "cut_tile",
    "embedded",
    "new_figure",
    "page",
    "paired_difference",
    "percent",
    "png",
    "points",
    "sheet_figure",
    "spread",
    "themed",
    "tiles_figure",
    "wrapped",
]

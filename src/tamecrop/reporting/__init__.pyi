"""What every page and record uses: environment, JSON, intervals, theme, HTML, view grid."""

from tamecrop.reporting.comparisons import (
    MARGIN as MARGIN,
    Comparison as Comparison,
    compare_arms as compare_arms,
    critical_value as critical_value,
    find_deviation as find_deviation,
    is_different as is_different,
    is_equal as is_equal,
    noncentrality as noncentrality,
)
from tamecrop.reporting.environment import Environment as Environment
from tamecrop.reporting.intervals import (
    CONFIDENCE as CONFIDENCE,
    Interval as Interval,
    counted as counted,
    interval_words as interval_words,
    percent as percent,
    points as points,
    spell_time as spell_time,
    spread as spread,
)
from tamecrop.reporting.jsonfiles import flat as flat
from tamecrop.reporting.theme import (
    FIRST_VIEW as FIRST_VIEW,
    INK as INK,
    MUTED as MUTED,
    SECOND_VIEW as SECOND_VIEW,
    bare as bare,
    color as color,
    embed as embed,
    marker as marker,
    new_figure as new_figure,
    page as page,
    png as png,
    use_theme as use_theme,
    wrap as wrap,
)
from tamecrop.reporting.view_grid import (
    Look as Look,
    Tile as Tile,
    cut_tile as cut_tile,
    draw_tile as draw_tile,
    sheet_figure as sheet_figure,
    tiles_figure as tiles_figure,
)

"""How `make docs` builds the site: the Markdown that stands here, the API, the gallery."""

import logging
import sys
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from site_api import (  # noqa: E402  beside this file
    EXAMPLES,
    fill_in,
    list_missing,
    pattern_of,
    read_singly,
    remove_gone,
    write_api,
)

from tamecrop.version import VERSION  # noqa: E402

project, author, version = "tamecrop", "The tamecrop authors", VERSION

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
]
html_theme = "furo"
html_title = "tamecrop"
html_theme_options = {"navigation_with_keys": True}
html_static_path, html_css_files = ["static"], ["site.css"]
exclude_patterns = ["_build", "gallery/**.ipynb", "gallery/**.py", "**sg_execution_times.rst"]

myst_heading_anchors = 3
default_role = "code"
suppress_warnings = ["config.cache"]  # the gallery's settings hold functions

# A folder of pages may be empty; the warning has no type by which it could be suppressed.
logging.getLogger("sphinx.sphinx.directives.other").addFilter(
    lambda record: getattr(record, "subtype", "") != "empty_glob"
)

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_use_ivar = True
napoleon_custom_sections = [("Relation", "notes_style")]


def scrape_figures(_: Any, variables: dict[str, Any], settings: dict[str, Any]) -> str:
    """Show the figures that a script has as variables: they are none of pyplot's."""
    paths = []
    for found in variables["example_globals"].values():
        if isinstance(found, Figure):
            paths.append(next(variables["image_path_iterator"]))
            found.savefig(paths[-1], dpi=110, facecolor="white")
    return str(figure_rst(paths, settings["src_dir"]))


sphinx_gallery_conf = {
    "image_scrapers": (scrape_figures,),
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": pattern_of([each for each in EXAMPLES.rglob("*.py") if list_missing(each)]),
    "download_all_examples": False,
    "show_memory": False,
    "remove_config_comments": True,
    "min_reported_time": 1,
    "abort_on_example_error": True,
    "plot_gallery": True,
}

write_api(HERE / "api")
remove_gone(HERE / "gallery")


def setup(app: object) -> None:
    """Let files beside `docs/` and docstrings be read as they are written."""
    app.connect("source-read", fill_in)  # type: ignore[attr-defined]
    app.connect("autodoc-process-docstring", read_singly)  # type: ignore[attr-defined]

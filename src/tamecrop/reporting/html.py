"""Pages of results: one self-contained HTML file each, figures embedded."""

import base64
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def page(template: str, **values: Any) -> str:
    """A page of `templates/`; a value that it needs and does not get is an error."""
    library = Environment(
        loader=PackageLoader("tamecrop.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
    )
    return library.get_template(template).render(**values)


def embedded(
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

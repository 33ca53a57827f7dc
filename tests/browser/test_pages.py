"""Pages of results: light and dark, on a phone, with words for pictures and tables to take away."""

import re

import pytest

from browsers import open_browser
from tamecrop.reporting import page

COLUMNS = ("kept, %", "different, %", "area", "distance", "fallbacks", "placements")
POLICY = "gcc:scale=0.4,sigma=0.2165,border=recenter,rounding=faithful,pair=independent"


@pytest.fixture(scope="module")
def text() -> str:
    """A page of the paper's kind, with a table that is wider than a phone."""
    rows = [[f"{POLICY}{n}", *(f'{n}"{column}"' for column in COLUMNS)] for n in range(3)]
    table = {"title": "All", "head": ("policy", *COLUMNS), "rows": rows, "notes": ("A note.",)}
    values = {"question": "Is it so?", "lead": POLICY, "tables": [table], "figure": "iVBORw0KGgo="}
    recipe = {"gain": [("method", POLICY)]}
    return page("paper.html", **values, facts=[("data", "x" * 90)], recipes=recipe)


def test_it_is_light_and_dark_and_loads_nothing(text: str):
    assert "prefers-color-scheme: dark" in text
    assert re.findall(r"<img[^>]*>", text)
    assert all(re.search(r'alt="[^"]+"', image) for image in re.findall(r"<img[^>]*>", text))
    assert not re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", text)


@pytest.fixture(scope="module")
def phone(text: str, tmp_path_factory: pytest.TempPathFactory):
    """The page in a browser 400 pixels wide."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(text)
    size = {"width": 400, "height": 900, "deviceScaleFactor": 1, "mobile": True}
    with open_browser() as browser:
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(path.as_uri())
        yield browser


def test_nothing_scrolls_sideways_on_a_phone_but_the_table_in_its_frame(phone):
    assert phone.execute_script("return document.documentElement.scrollWidth") == 400
    frame = "document.querySelector('.scroll')"
    assert phone.execute_script(f"return {frame}.scrollWidth > {frame}.clientWidth")


def test_a_table_can_be_had_as_csv(phone):
    link = "document.querySelector('a.get')"
    assert phone.execute_script(f"return {link}.download") == "tamecrop-table-1.csv"
    read = f"fetch({link}.href).then(file => file.text()).then(arguments[0])"
    lines = phone.execute_async_script(read).lstrip("\ufeff").split("\r\n")
    assert len(lines) == 4
    assert lines[0] == ",".join(f'"{name}"' for name in ("policy", *COLUMNS))
    assert lines[1].startswith(f'"{POLICY}0","0""kept, %"""')

"""The pages: what they take from the code is what the code says, and their links lead somewhere."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tamecrop.audit import evidence
from tamecrop.geometry.presets import PLANS, PRESETS
from tamecrop.learning import methods

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def script(name: str):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def writer():
    return script("write_lists")


@pytest.mark.parametrize("page", ["policies.md", "methods.md", "league.md"])
def test_the_lists_are_what_the_code_says(writer, page: str):
    """Run `python docs/write_lists.py` where this fails."""
    text = (DOCS / page).read_text()
    assert writer.filled(text, writer.PAGES[page]()) == text


def test_a_page_that_the_code_does_not_say_is_seen(writer):
    text = (DOCS / "methods.md").read_text()
    assert writer.filled(text.replace("`byol`", "`boyl`"), writer.describe_methods()) == text
    with pytest.raises(ValueError, match="one place between"):
        writer.filled("# Methods\n", [])


def test_every_method_and_every_policy_is_listed(writer):
    listed = "\n".join(writer.describe_methods())
    assert all(f"| `{name}` |" in listed for name in methods.names())
    pictures = {path.stem for path in writer.PICTURES.glob("*.jpg")}
    assert pictures == set(PRESETS | PLANS)


@pytest.mark.parametrize("name", PRESETS | PLANS)
def test_a_picture_shows_the_boxes_that_the_code_draws(writer, name: str):
    assert writer.read_digest(writer.PICTURES / f"{name}.jpg") == writer.digest(name)


def test_other_boxes_would_be_seen(writer, monkeypatch):
    before = writer.digest("rrc")
    monkeypatch.setattr(writer, "DRAWS", 2)
    assert writer.digest("rrc") != before


def test_a_picture_of_a_league_shows_its_cells(writer):
    names = [path.stem for path in (writer.RESULTS / "league").glob("*.json")]
    assert names
    for name in names:
        assert writer.read_digest(writer.FIGURES / f"{name}.jpg") == writer.league_digest(name)


def league_rows(writer, name: str) -> list[evidence.Measured]:
    """What the cells of a league say of the policies that a recommendation can name."""
    named = {row.policy for row in evidence.LEAGUE}
    league, found = writer.LEAGUES[name], writer.read_league(name)
    rows = []
    for arm in found.arms:
        policy, gap = league.bare(arm.policy).replace(",box=encoder", ""), arm.difference
        if policy in named:
            low, mean, high = (round(100 * each, 1) for each in (gap.low, gap.mean, gap.high))
            title = league.title.replace(", ", " at ")
            rows.append(evidence.Measured(policy, title, mean, low, high, arm.n))
    return rows


def test_what_a_recommendation_says_of_the_league_is_in_its_cells(writer):
    rows = [row for name in writer.LEAGUES for row in league_rows(writer, name)]
    assert len(rows) > 9
    assert set(rows) == set(evidence.LEAGUE)


def test_the_pictures_are_small(writer):
    assert sum(path.stat().st_size for path in writer.PICTURES.glob("*.jpg")) < 700_000


def test_the_picture_of_the_rooms_is_what_they_say():
    """Run `python docs/draw_rooms.py` where this fails."""
    drawing = script("draw_rooms")
    assert drawing.draw() == drawing.PICTURE.read_text()
    assert set(drawing.ROOMS) == {path.parent.name for path in drawing.SOURCE.glob("*/__init__.py")}
    assert drawing.draw_room(0, "views") != drawing.draw_room(0, "data")


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
PAGES = [page for page in PAGES if "_build" not in page.parts and "gallery" not in page.parts]


def dead_links(page: Path, text: str) -> list[str]:
    """Targets of a page's links and pictures that are no file."""
    code = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
    links = re.findall(r"\]\(([^)#\s]+)", code.sub("", text))
    return [link for link in links if "://" not in link and not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path):
    built = {"gallery/index"}
    assert set(dead_links(page, page.read_text())) <= built


def test_a_dead_link_is_seen():
    page = DOCS / "start.md"
    text = "[a](data.md) [b](dada.md#x) ![c](nothing.png) [d](https://a.b) `[e](no.md)`"
    assert dead_links(page, text) == ["dada.md", "nothing.png"]


def test_the_page_on_the_house_names_files_that_are_there():
    text = (DOCS / "house.md").read_text()
    named = re.findall(r"`([\w/]+/(?:\w+\.\w+)?)`", text)
    assert len(named) > 20
    places = (ROOT, ROOT / "src" / "tamecrop")
    assert [path for path in named if not any((place / path).exists() for place in places)] == []


def test_an_executed_example_is_shown_in_the_gallery():
    for path in sorted((ROOT / "examples").rglob("*.py")):
        title, line = path.read_text().splitlines()[1:3]
        assert title.strip(), path
        assert line == "=" * len(title), path


def test_an_example_without_its_library_is_shown_and_says_so(tmp_path):
    site = script("site_api")
    here, away = tmp_path / "with_here.py", tmp_path / "with_away.py"
    here.write_text("import os.path\nfrom tamecrop.views import Crop\n")
    away.write_text("import json\n\ndef main():\n    from no.such import thing\n")
    assert site.list_missing(here) == []
    assert site.list_missing(away) == ["no.such"]
    executed = re.compile(site.pattern_of([away]))
    assert executed.search(str(here))
    assert not executed.search(str(away))
    page = site.say_what_is_missing(":orphan:\n\nTitle\n=====\n\ntext\n", ["no.such"])
    assert page.startswith(
        ":orphan:\n\nTitle\n=====\n\n.. note:: Shown and not executed: ``no.such``"
    )
    assert page.endswith("\n\n\ntext\n")
    every = [path for path in (ROOT / "examples").rglob("*.py") if "hosts" not in path.parts]
    assert [path for path in every if site.list_missing(path)] == []


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("sphinx", reason="needs the docs extra")
    pytest.importorskip("furo", reason="needs the docs extra")
    pytest.importorskip("sphinx_gallery", reason="needs the docs extra")
    words = ["-W", "--keep-going", "-q", "-b", "html", "-d", str(tmp_path / "trees")]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *words, str(DOCS), str(tmp_path / "html")],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert "RandomResizedCrop" in (tmp_path / "html" / "index.html").read_text()

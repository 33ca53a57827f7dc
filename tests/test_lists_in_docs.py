"""docs/policies.md and docs/methods.md are what the code says, and their pictures what it draws."""

import importlib.util
from pathlib import Path

import pytest

from tamecrop.geometry.presets import PLANS, PRESETS
from tamecrop.learning import methods

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def writer():
    spec = importlib.util.spec_from_file_location("write_lists", DOCS / "write_lists.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["policies.md", "methods.md"])
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


def test_the_pictures_are_small(writer):
    assert sum(path.stat().st_size for path in writer.PICTURES.glob("*.jpg")) < 700_000

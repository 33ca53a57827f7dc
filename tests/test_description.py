"""What an index page shows has no link that is broken there."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("setup_of_tamecrop", ROOT / "setup.py")
assert spec is not None
assert spec.loader is not None
setup = importlib.util.module_from_spec(spec)
spec.loader.exec_module(setup)

README = (ROOT / "README.md").read_text("utf-8")
SOURCE = "https://example.org/people/tamecrop"


def targets_of(text: str) -> list[str]:
    return re.findall(r"\]\(([^)]*)\)", text)


def test_links_are_absolute_where_there_is_a_repository():
    found = targets_of(setup.describe(README, SOURCE))
    assert len(found) == len(targets_of(README))
    assert all(each.startswith("https://") for each in found)
    assert f"{SOURCE}/raw/HEAD/docs/crops.png" in found
    assert f"{SOURCE}/blob/HEAD/docs/hosts.md" in found
    for each in found:
        if each.startswith(SOURCE):
            path = each.removeprefix(SOURCE).split("/HEAD/")[1].partition("#")[0]
            assert (ROOT / path).exists(), each


def test_links_are_words_where_there_is_none():
    text = setup.describe(README, None)
    assert all(each.startswith("https://") for each in targets_of(text))
    assert "`docs/crops.png` of the source distribution" in text
    assert "twelve others: hosts." in text
    assert "[arXiv:2504.19824](https://arxiv.org/abs/2504.19824)" in text
    assert not all(each.startswith("https://") for each in targets_of(README)), "or it has no test"


@pytest.mark.parametrize("source", [None, SOURCE])
def test_code_and_other_addresses_stay(source):
    text = "`a[0](b.md)`\n\n```\n[a](b.md)\n```\n\n[a](https://b.c) [d](mailto:e@f.g) [h]\n(i)\n"
    assert setup.describe(text, source) == text


def test_words_of_links_keep_what_they_hold():
    text = "see [`tc.cut` of [N, 4]\nboxes](docs/a.md#b) and [above](#top)"
    assert setup.describe(text, None) == "see `tc.cut` of [N, 4]\nboxes and above"
    page, top = targets_of(setup.describe(text, SOURCE))
    assert page == f"{SOURCE}/blob/HEAD/docs/a.md#b"
    assert top == f"{SOURCE}/blob/HEAD/README.md#top"


@pytest.mark.parametrize(
    ("urls", "found"),
    [
        ({"Paper": "https://arxiv.org"}, None),
        ({"Repository": SOURCE + ".git"}, SOURCE),
        ({"source": SOURCE + "/", "Repository": "https://other.org"}, SOURCE),
    ],
)
def test_the_repository_is_found(urls, found):
    assert setup.find_source({"urls": urls}) == found
    assert setup.find_source({}) is None


def test_the_source_distribution_has_the_files_beside_the_folders():
    """Tests and pages that it carries read them; README, LICENSE and setup.py it has anyway."""
    words = {*(ROOT / "MANIFEST.in").read_text().split(), "README.md"}
    beside = {path.name for kind in ("*.md", "*.cff", "Makefile") for path in ROOT.glob(kind)}
    assert beside - words == set()

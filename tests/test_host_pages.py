"""Every host has a page, a test and a place in the list of hosts."""

import re
from pathlib import Path

import pytest

import tamecrop as tc

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "hosts"
SUCCESSORS = {"albumentationsx"}
"""Environments in which the tests of another host run: they are on its page."""
HOSTS = sorted(
    {path.stem.removeprefix("test_") for path in (ROOT / "tests" / "hosts").glob("test_*.py")}
    - SUCCESSORS
)
ADAPTERS = [
    path
    for path in sorted((Path(tc.__file__).parent / "views" / "adapters").glob("*.py"))
    if path.stem != "__init__"
]


def test_tests_pages_and_the_list_name_the_same_hosts():
    assert sorted(path.stem for path in PAGES.glob("*.md") if path.stem != "README") == HOSTS
    page = (PAGES / "README.md").read_text()
    assert sorted(re.findall(r"^\| \[.+?\]\((\w+)\.md\)", page, re.MULTILINE)) == HOSTS
    assert {path.stem for path in ADAPTERS} <= {*HOSTS}


@pytest.mark.parametrize("path", ADAPTERS, ids=lambda path: path.stem)
def test_an_adapter_has_no_example_that_nobody_runs(path: Path):
    """Doctests skip adapters, which import their hosts: examples stand on the pages."""
    assert ">>>" not in path.read_text()


@pytest.mark.parametrize("host", HOSTS)
def test_the_snippets_of_a_page_are_run(host: str):
    test = (ROOT / "tests" / "hosts" / f"test_{host}.py").read_text()
    assert f'run_page("{host}"' in test
    assert "```python" in (PAGES / f"{host}.md").read_text()


def test_every_host_that_can_be_imported_has_an_example_that_is_run():
    """solo-learn's package cannot: it imports what its pins keep away."""
    examples = ROOT / "examples" / "hosts"
    found = sorted(path.stem.removeprefix("with_") for path in examples.glob("*.py"))
    assert found == sorted({*HOSTS} - {"sololearn"})
    for host in {*found} - {"lightly", "torchvision"}:
        test = (ROOT / "tests" / "hosts" / f"test_{host}.py").read_text()
        assert f'run_example("{host}")' in test
    others = (ROOT / "tests" / "test_examples.py").read_text()
    assert all(f'"hosts/with_{host}"' in others for host in ("lightly", "torchvision"))

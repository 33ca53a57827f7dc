"""The worked examples run as they stand."""

import ast
import importlib
import importlib.util
import math
from pathlib import Path

import pytest

from tamecrop.audit import Audit
from tamecrop.reporting.jsonfiles import read_json

EXAMPLES = Path(__file__).parents[1] / "examples"


def outcome_of(name: str):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main()


def test_a_torchvision_pipeline_gives_views():
    assert outcome_of("hosts/with_torchvision") == (64, 3, 32, 32)


def test_a_lightly_pipeline_trains_a_step():
    loss = outcome_of("hosts/with_lightly")
    assert math.isfinite(loss)
    assert loss > 0


def test_policies_are_solved_for_equal_overlap():
    found = outcome_of("equal_overlap")
    assert len(found) == 3
    assert all(abs(iou - 0.45) < 0.001 for iou in found.values())


@pytest.mark.parametrize("name", ["look_at_views", "trade_off"])
def test_examples_draw_figures(name: str):
    assert outcome_of(name).axes


SCRIPTS = [
    path
    for folder in ("benchmarks", "docs", "examples")
    for path in sorted((EXAMPLES.parent / folder).rglob("*.py"))
    if not {"_build", "gallery"} & {*path.parts}
]


def missing_names(source: str) -> list[str]:
    """Names that a script takes from the package and that are not there."""
    return [
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tamecrop")
        for alias in node.names
        if not offers(node.module, alias.name)
    ]


def defined_names(module: str) -> set[str]:
    """The classes and functions of a module that cannot be imported."""
    source = Path(importlib.util.find_spec(module).origin).read_text()
    body = ast.parse(source).body
    return {node.name for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef)}


def offers(module: str, name: str) -> bool:
    """Whether `from module import name` works."""
    for needed, attribute in ((module, name), (f"{module}.{name}", "__name__")):
        try:
            found = importlib.import_module(needed)
        except ModuleNotFoundError as error:
            if error.name and not error.name.startswith("tamecrop"):  # a host that is not here
                return attribute in defined_names(needed)
            continue
        if hasattr(found, attribute):
            return True
    return False


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_take_only_what_is_there(path: Path):
    assert missing_names(path.read_text()) == []


def test_a_name_that_is_not_there_is_seen():
    assert missing_names("from tamecrop.views import Crop, Corp, transforms") == [
        "tamecrop.views.Corp"
    ]
    assert missing_names("from tamecrop.views.adapters.dali import Windows, Doors") == [
        "tamecrop.views.adapters.dali.Doors"
    ]
    assert missing_names("def f():\n    from tamecrop.nothing import x") == ["tamecrop.nothing.x"]


STORED = sorted((EXAMPLES.parent / "results" / "audit").glob("*.json"))


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_stored_audits_are_read(path: Path):
    """`docs/draw_audit.py` draws from them; a record that changes converts them."""
    assert len(read_json(Audit, path).named) > 3

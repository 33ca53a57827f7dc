"""What `import tamecrop` and its rooms offer is what they list, and nothing heavy until asked."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import tamecrop as tc

SOURCE = Path(tc.__file__).parent
PUBLIC = [
    *("Policy", "ViewPlan", "__version__", "audit", "boxes", "compare", "cut", "datasets"),
    *("evaluate", "expectations", "load", "match", "parts", "plan", "policy", "predict", "presets"),
    *("pretrain", "recommend", "transforms"),
]
"""A name is added here when it is meant to stay."""

ROOMS = [f"tamecrop.{path.parent.name}" for path in sorted(SOURCE.glob("*/__init__.pyi"))]


def test_every_room_but_the_commands_lists_its_names():
    rooms = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert {name.removeprefix("tamecrop.") for name in ROOMS} == rooms - {"cli"}


def seen_by_a_type_checker(source: str) -> dict[str, str]:
    """Name to `module:attribute`, from the imports that only a type checker runs."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module != "tamecrop.on_demand":
            assert all(alias.asname in (alias.name, None) for alias in node.names)
            found |= {alias.name: f"{node.module}:{alias.name}" for alias in node.names}
    return found


def agrees(sources: dict[str, str]) -> bool:
    """Whether what the front door gives is what a type checker sees."""
    text = (SOURCE / "__init__.py").read_text().replace("PRESETS as presets", "presets")
    seen = seen_by_a_type_checker(text.replace("VERSION as __version__", "VERSION"))
    del seen["TYPE_CHECKING"], seen["VERSION"]
    places = {name: place.replace(":", ".") for name, place in sources.items()}
    places["presets"] = places["presets"].replace("PRESETS", "presets")
    return {name: place.replace(":", ".") for name, place in seen.items()} == places


def test_the_public_names_are_those_meant_to_stay():
    assert tc.__all__ == PUBLIC
    assert dir(tc) == sorted(tc.__all__)
    with pytest.raises(AttributeError, match="no attribute 'crops'"):
        _ = tc.crops


def test_every_name_of_the_front_door_is_there_and_is_what_a_type_checker_sees():
    assert all(getattr(tc, name) is not None for name in tc.__all__)
    assert set(tc.__all__) - {"__version__"} == set(tc._SOURCES)
    assert agrees(tc._SOURCES)


def test_a_source_that_differs_from_what_a_type_checker_sees_is_noticed():
    right = dict(tc._SOURCES)
    assert not agrees(right | {"cut": "tamecrop.views.exact:cut"})
    assert not agrees({name: right[name] for name in right if name != "cut"})


@pytest.mark.parametrize("package", ROOMS)
def test_every_name_of_a_room_is_the_object_that_its_stub_imports(package: str):
    module = importlib.import_module(package)
    stub = SOURCE.joinpath(*package.split(".")[1:], "__init__.pyi").read_text()
    listed = seen_by_a_type_checker(stub)
    assert listed.keys() == set(module.__all__)
    for name, place in listed.items():
        source, _, attribute = place.partition(":")
        assert getattr(module, name) is getattr(importlib.import_module(source), attribute)
    assert stub.count(" as ") == len(listed), "a stub lists names only by `name as name`"


@pytest.mark.parametrize("package", ROOMS)
def test_no_name_of_a_room_is_also_a_file_of_it(package: str):
    """Python would make such a name the file's module once the file is imported."""
    module = importlib.import_module(package)
    files = {each.name for each in pkgutil.iter_modules(module.__path__)}
    assert not files & set(module.__all__)


def test_torch_is_imported_when_it_is_needed():
    before = "import sys, tamecrop; assert not {'torch', 'numpy'} & set(sys.modules)"
    cut = "tamecrop.cut; assert 'numpy' in sys.modules and 'torch' not in sys.modules"
    after = "tamecrop.transforms; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", f"{before}; {cut}; {after}"], check=True)


def test_import_is_quick():
    code = "import time, tamecrop; assert time.process_time() < 0.3, time.process_time()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_type_checker_knows_every_name_and_no_other(tmp_path):
    known = "\n".join(f"tc.{name}" for name in tc.__all__)
    snippet = tmp_path / "snippet.py"
    snippet.write_text(f"import tamecrop as tc\n{known}\ntc.typo\n")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--follow-imports=silent"),
            *("--cache-dir", str(tmp_path / "cache"), str(snippet)),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=SOURCE.parents[1],
    )
    line = f'{snippet}:{len(tc.__all__) + 2}: error: Module has no attribute "typo"'
    assert done.stdout.startswith(line), done.stdout
    assert "Found 1 error" in done.stdout


@pytest.mark.parametrize(
    "first", ["import tamecrop.audit.records", "tc.audit", "from tamecrop.audit import Audit"]
)
def test_audit_is_the_function_whatever_of_its_room_is_imported(first: str):
    code = f"""
import tamecrop as tc
{first}
from tamecrop import audit
from tamecrop.audit.run import audit as the_function
assert tc.audit is audit is the_function
"""
    subprocess.run([sys.executable, "-c", code], check=True)

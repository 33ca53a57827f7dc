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

PACKAGES = ["tamecrop"] + [
    f"tamecrop.{path.parent.name}"
    for path in sorted(SOURCE.glob("*/__init__.py"))
    if "on_demand(__name__" in path.read_text()
]


def file_of(package: str) -> Path:
    return SOURCE.joinpath(*package.split(".")[1:], "__init__.py")


def seen_by_a_type_checker(package: str) -> dict[str, str]:
    """Name to `module:attribute` or `module`, from the imports that only a type checker runs."""
    found = {}
    for node in ast.parse(file_of(package).read_text()).body:
        if isinstance(node, ast.If):
            for each in node.body:
                assert isinstance(each, ast.ImportFrom)
                for alias in each.names:
                    found[alias.asname or alias.name] = f"{each.module}:{alias.name}"
    return found


def agrees(package: str, sources: dict[str, str]) -> bool:
    """Whether what runs gives the objects that a type checker sees."""
    seen = seen_by_a_type_checker(package)
    as_seen = {name: place.replace(":", ".") for name, place in seen.items()}
    return as_seen == {name: place.replace(":", ".") for name, place in sources.items()}


def test_the_public_names_are_those_meant_to_stay():
    assert tc.__all__ == PUBLIC
    assert dir(tc) == sorted(tc.__all__)
    with pytest.raises(AttributeError, match="no attribute 'crops'"):
        _ = tc.crops


@pytest.mark.parametrize("package", PACKAGES)
def test_every_listed_name_is_there_and_is_what_a_type_checker_sees(package: str):
    module = importlib.import_module(package)
    assert all(getattr(module, name) is not None for name in module.__all__)
    assert set(module.__all__) - {"__version__"} == set(module._SOURCES)
    assert agrees(package, module._SOURCES)


def test_a_source_that_differs_from_what_a_type_checker_sees_is_noticed():
    right = dict(tc._SOURCES)
    assert not agrees("tamecrop", right | {"cut": "tamecrop.views.exact:cut"})
    assert not agrees("tamecrop", {name: right[name] for name in right if name != "cut"})


@pytest.mark.parametrize("package", PACKAGES[1:])
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
        [sys.executable, "-m", "mypy", "--follow-imports=silent", str(snippet)],
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

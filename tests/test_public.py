"""What `import tamecrop` and its rooms offer is what they list, and nothing heavy until asked."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import tamecrop as tc
from tamecrop.on_demand import read_stub

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


def stub_of(package: str) -> str:
    return SOURCE.joinpath(*package.split(".")[1:], "__init__.pyi").read_text()


def differing(package: str, stub: str) -> set[str]:
    """Names that a package does not give as the objects that Python gets from its stub's lines."""
    namespace: dict[str, object] = {}
    exec(stub, namespace)
    module = importlib.import_module(package)
    listed = read_stub(stub).keys()
    wrong = {name for name in listed if getattr(module, name, None) is not namespace[name]}
    return wrong | (listed ^ set(module.__all__))


def test_the_public_names_are_those_meant_to_stay():
    assert tc.__all__ == PUBLIC
    assert dir(tc) == sorted(tc.__all__)
    with pytest.raises(AttributeError, match="no attribute 'crops'"):
        _ = tc.crops


@pytest.mark.parametrize("package", ["tamecrop", *ROOMS])
def test_every_listed_name_is_there_and_is_what_a_type_checker_sees(package: str):
    module = importlib.import_module(package)
    assert all(getattr(module, name) is not None for name in module.__all__)
    assert differing(package, stub_of(package)) == set()


def test_a_source_that_differs_from_what_a_type_checker_sees_is_noticed():
    right = stub_of("tamecrop")
    cut = "from tamecrop.views.cut import cut as cut\n"
    audit = "from tamecrop.audit.run import audit as audit\n"
    assert cut in right
    assert audit in right
    other = "from tamecrop.views.tensors import cut_one\ncut = cut_one\n"
    assert differing("tamecrop", right.replace(cut, other)) == {"cut"}
    assert differing("tamecrop", right.replace(cut, "")) == {"cut"}
    assert differing("tamecrop", right.replace(audit, "import tamecrop.audit as audit\n")) == {
        "audit"
    }


@pytest.mark.parametrize("package", ROOMS)
def test_a_room_lists_names_only_as_name_as_name(package: str):
    stub = stub_of(package)
    assert stub.count(" as ") == len(read_stub(stub))


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

"""The arrows of the design: a room imports only from the rooms to its left."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "tamecrop"
ROOMS = ["geometry", "views", "data", "learning", "reporting", "studies", "audit", "paper", "cli"]
MODULES = sorted(SOURCE.rglob("*.py"))


def imported(tree: ast.AST) -> set[str]:
    """Every absolute module name that a file imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the arrows"
            module = node.module or ""
            names |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return names


def room(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "tamecrop" and parts[1] in ROOMS else None


def wrong_arrows(module: str, source: str) -> list[str]:
    here = room(module)
    if here is None:
        return []
    rooms = {target: room(target) for target in imported(ast.parse(source))}
    return sorted(
        target
        for target, there in rooms.items()
        if there is not None and ROOMS.index(there) > ROOMS.index(here)
    )


def module_name(path: Path) -> str:
    return ".".join(("tamecrop", *path.relative_to(SOURCE).with_suffix("").parts))


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_arrows_point_left(path: Path):
    assert wrong_arrows(module_name(path), path.read_text()) == []


def test_an_arrow_to_the_right_is_seen():
    assert wrong_arrows("tamecrop.geometry.boxes", "from tamecrop.views import cut") == [
        "tamecrop.views",
        "tamecrop.views.cut",
    ]
    assert wrong_arrows("tamecrop.data.x", "def f():\n    import tamecrop.studies.compare") == [
        "tamecrop.studies.compare"
    ]


@pytest.mark.parametrize("path", sorted((SOURCE / "geometry").glob("*.py")), ids=module_name)
def test_geometry_needs_numpy_alone(path: Path):
    roots = {name.split(".")[0] for name in imported(ast.parse(path.read_text()))}
    assert roots <= {"numpy", "tamecrop"} | set(sys.stdlib_module_names)


def test_nobody_imports_an_adapter():
    """The room's list of names does, for a type checker; when it runs, only on request."""
    users = [
        module_name(path)
        for path in MODULES
        if "adapters" not in path.parts
        and path != SOURCE / "views" / "__init__.py"
        and any("views.adapters" in name for name in imported(ast.parse(path.read_text())))
    ]
    assert users == []


@pytest.mark.parametrize("module", ["tamecrop.geometry.policy", "tamecrop.cli"])
def test_torch_stays_out_of_what_does_not_need_it(module: str):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def structure():
    """The script that measures the package: what holds is what it says."""
    path = SOURCE.parents[1] / "benchmarks" / "structure.py"
    spec = importlib.util.spec_from_file_location("structure", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FILES = {path: path.read_text() for path in MODULES}


def test_no_file_is_long():
    assert structure().sizes(SOURCE, FILES)["files_above_300"] == 0


def test_no_room_holds_a_fifth():
    assert structure().sizes(SOURCE, FILES)["biggest_room_share"] < 0.2


def test_a_long_file_and_a_big_room_are_seen():
    long = structure().sizes(
        SOURCE, {SOURCE / "views" / "new.py": "\n" * 301, SOURCE / "x.py": "\n"}
    )
    assert (long["files_above_300"], long["biggest_room"]) == (1, "views")
    assert long["biggest_room_share"] > 0.9


def test_no_two_files_share_a_name_but_a_command_and_its_module():
    assert structure().names(SOURCE, FILES)["repeated_names_but_commands"] == []


def test_a_repeated_name_is_seen():
    more = [*MODULES, SOURCE / "views" / "boxes.py", SOURCE / "cli" / "commands" / "cut.py"]
    found = structure().names(SOURCE, more)
    assert "boxes.py" in found["repeated_names_but_commands"]
    assert "cut.py" in found["repeated_names"]
    assert "cut.py" not in found["repeated_names_but_commands"]


def test_a_reader_changes_files_seldom():
    assert structure().imports_per_1000_lines(FILES) < 25


def test_imports_from_the_package_are_counted():
    text = "import os\nfrom tamecrop import cut\n\ndef f():\n    import tamecrop.cut\n"
    assert structure().imports_per_1000_lines({Path("one.py"): text}) == 400


NO_FIGURES = """
import builtins, sys
plain = builtins.__import__

def guarded(name, globals=None, *rest, **named):
    ours = (globals or {{}}).get("__name__", "").startswith("tamecrop")
    if ours and name.split(".")[0] == "matplotlib":
        raise RuntimeError(f"{{globals['__name__']}} imports {{name}}")
    return plain(name, globals, *rest, **named)

builtins.__import__ = guarded
from tamecrop.cli import main
sys.exit(main({!r}))
"""
TINY = ["--training.epochs=1", "--training.warmup_epochs=0", "--training.batch_size=30"]


def test_what_draws_nothing_loads_no_figures(tmp_path):
    """No module of ours; Lightning's metrics load matplotlib themselves where it is installed."""

    def exit_code(*words: str) -> int:
        code = NO_FIGURES.format([*map(str, words)])
        return subprocess.run([sys.executable, "-c", code], check=False).returncode

    run, data = tmp_path / "run", "scenes:count=67"
    assert exit_code("pretrain", data, "--policy", "rc:scale=0.6", *TINY, "--out", run) == 0
    assert exit_code("runs", run) == 0
    assert exit_code("show", data, "--out", tmp_path / "views.png") == 2


CORE_ONLY = """
import sys
for extra in ("kornia", "lightly", "lightning_fabric", "safetensors", "jsonargparse", "rich",
              "matplotlib", "jinja2", "sklearn", "yaml", "scipy"):
    sys.modules[extra] = None
import torch
import tamecrop as tc
first, second = tc.transforms.Views("gcc:scale=0.4", size=8)(torch.zeros(3, 16, 16))
assert first.shape == (3, 8, 8)
boxes = tc.policy("rc").draw((16, 16), index=[0])
assert tc.cut(torch.zeros(1, 3, 16, 16), boxes).shape[:3] == (1, 2, 3)
"""


def test_the_transforms_need_the_core_dependencies_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CORE_ONLY], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    wrong = "import sys; sys.modules['kornia'] = None; import tamecrop.views.photometric"
    assert subprocess.run(
        [sys.executable, "-c", wrong], capture_output=True, check=False
    ).returncode

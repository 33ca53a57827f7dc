"""The structure of the package in figures, before and after a change.

Run: .venv/bin/python benchmarks/structure.py [--tree PATH] [--before PATH]
Prints the figures of a checkout (this one when no `--tree` is given) as JSON. `--before PATH`
measures that checkout too and writes both to results/benchmarks/structure.json.

What is counted, over the Python files below `src/tamecrop`:

- `lines`: of a file, all of them. `biggest_room_share`: lines of the largest folder directly below
  the package, over all lines.
- `repeated_names`: file names that occur in several folders, `__init__.py` left out;
  `repeated_names_but_commands`: the same with the files of `cli/commands` left out.
- `internal_imports_per_1000_lines`: `import` and `from ... import` statements that name tamecrop,
  wherever in a file, over lines.
- `modules_of_<command>`: modules of tamecrop, folders left out, that are loaded in the process that
  the command was started in when it has done its work: two steps of `pretrain`, two cells of
  `compare`, on 60 embedded images; `compare` trains in that process, where a checkout can be told.
- `frames_to_backward_of_<command>`: functions of tamecrop on the stack, `main` the first, at the
  first call of `torch.autograd.backward`.
- `files_for_a_new_<kind>`: files that name at least half of the members of the kind in code
  (identifiers and texts, docstrings left out): a new member would be named there too. Members are
  the presets, the classes of centers and of pair rules, the files of methods, readers and hosts;
  where a member is a file of its own, that new file counts as one. Files that hold the members'
  own definition count as one as well. A recipe that uses a preset does not list the presets: it
  names fewer than half.
- `record_classes`: classes that are a dataclass, a NamedTuple or a TypedDict.
- `array_docstrings_with_shape`: public functions and methods whose signature names an array type,
  and the share of them whose docstring gives a shape such as `(N, 4)`.
"""

import argparse
import ast
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[1]
LONGEST = 300
ARRAYS = re.compile(r"\b(Tensor|ndarray|NDArray|ArrayLike|Boxes|Floats|Ints|Array\w*)\b")
SHAPE = re.compile(r"\(\s*(?:\.{3}|\*?[A-Za-z]\w*|\d+)\s*,(?:\s*(?:\.{3}|\w+)\s*,?)*\)")

TRAINING = ["--training.epochs=1", "--training.warmup_epochs=0", "--training.batch_size=30"]
COMMANDS = {
    "pretrain": ["pretrain", "scenes:count=67", "--policy", "rc:scale=0.6", *TRAINING],
    "compare": [
        *("compare", "scenes:count=67", "--policies", "rc:scale=0.6", "gcc:scale=0.6,alpha=2"),
        *("--seeds", "1", *TRAINING),
    ],
}
PROBE = """
import json, sys, traceback
import torch
from tamecrop.cli import main

depths = []
plain = torch.autograd.backward

def backward(*arguments, **options):
    if not depths:
        names = [(each.filename, each.name) for each in traceback.extract_stack()]
        ours = [name for path, name in names if "/tamecrop/" in path]
        depths.append(ours[ours.index("main"):] if "main" in ours else ours)
    return plain(*arguments, **options)

torch.autograd.backward = backward
code = main(json.loads(sys.argv[1]))
loaded = sorted(
    name
    for name, module in sys.modules.items()
    if name.split(".")[0] == "tamecrop" and not hasattr(module, "__path__")
)
with open(sys.argv[2], "w") as file:
    json.dump({"code": code, "modules": loaded, "frames": depths[0] if depths else None}, file)
"""


def main() -> None:
    """Measure one checkout, or two and write them down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tree", type=Path, default=HERE, help="a checkout")
    parser.add_argument("--before", type=Path, help="a checkout to compare with")
    chosen = parser.parse_args()
    after = measure(chosen.tree)
    if chosen.before is None:
        print(json.dumps(after, indent=2))
        return
    content = {"before": measure(chosen.before), "after": after}
    target = HERE / "results" / "benchmarks" / "structure.json"
    target.write_text(json.dumps(content, indent=2) + "\n")
    print(json.dumps(content, indent=2))


def measure(tree: Path) -> dict[str, Any]:
    """Every figure of a checkout."""
    package = tree.resolve() / "src" / "tamecrop"
    files = {path: path.read_text() for path in sorted(package.rglob("*.py"))}
    trees = {path: ast.parse(text) for path, text in files.items()}
    return {
        **sizes(package, files),
        **names(package, files),
        "internal_imports_per_1000_lines": imports_per_1000_lines(files),
        **commands(tree.resolve()),
        **touched(package, trees),
        "record_classes": sum(is_record(each) for each in classes(trees.values())),
        **shapes(trees.values()),
    }


def sizes(package: Path, files: dict[Path, str]) -> dict[str, Any]:
    """Files, lines of a file, the largest room."""
    lines = {path: text.count("\n") for path, text in files.items()}
    total = sum(lines.values())
    rooms: Counter[str] = Counter()
    for path, count in lines.items():
        rooms[path.relative_to(package).parts[0]] += count
    biggest, share = rooms.most_common(1)[0]
    tenths = statistics.quantiles(lines.values(), n=10)
    return {
        "files": len(lines),
        "lines": total,
        "lines_of_a_file": {
            "median": tenths[4],
            "nine_tenths": tenths[8],
            "most": max(lines.values()),
        },
        "files_above_300": sum(count > LONGEST for count in lines.values()),
        "biggest_room": biggest,
        "biggest_room_share": round(share / total, 3),
    }


def names(package: Path, paths: Iterable[Path]) -> dict[str, list[str]]:
    """File names that occur several times."""
    relative = [path.relative_to(package) for path in paths if path.name != "__init__.py"]
    modules = [path for path in relative if path.parts[:2] != ("cli", "commands")]
    return {
        "repeated_names": repeated(relative),
        "repeated_names_but_commands": repeated(modules),
    }


def repeated(paths: Iterable[Path]) -> list[str]:
    counts = Counter(path.name for path in paths)
    return sorted(name for name, count in counts.items() if count > 1)


def imports_per_1000_lines(files: dict[Path, str]) -> float:
    """Statements that import from tamecrop, per 1,000 lines."""
    lines = sum(text.count("\n") for text in files.values())
    found = sum(internal_imports(ast.parse(text)) for text in files.values())
    return round(1000 * found / lines, 1)


def internal_imports(tree: ast.AST) -> int:
    """Statements of a file that import from tamecrop."""
    count = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            count += (node.module or "").split(".")[0] == "tamecrop"
        elif isinstance(node, ast.Import):
            count += any(alias.name.split(".")[0] == "tamecrop" for alias in node.names)
    return count


def commands(tree: Path) -> dict[str, Any]:
    """Modules that commands load, and the stack at the backward pass."""
    ran = {name: run(tree, words) for name, words in COMMANDS.items()}
    return {
        **{f"modules_of_{name}": len(found["modules"]) for name, found in ran.items()},
        **{f"frames_to_backward_of_{name}": count(found) for name, found in ran.items()},
        **{f"frames_of_{name}": found["frames"] for name, found in ran.items()},
    }


def count(found: dict[str, Any]) -> int | None:
    return None if found["frames"] is None else len(found["frames"])


def run(tree: Path, words: Sequence[str]) -> dict[str, Any]:
    """Run a command of a checkout, and see what it loaded."""
    if words[0] == "compare" and any("--jobs" in text for text in cli(tree)):
        words = [*words, "--jobs=1"]
    with tempfile.TemporaryDirectory() as scratch:
        seen = Path(scratch, "seen.json")
        words = [*words, "--out", f"{scratch}/out"]
        subprocess.run(
            [sys.executable, "-c", PROBE, json.dumps(words), str(seen)],
            env=os.environ | {"PYTHONPATH": str(tree / "src"), "TAMECROP_DATA": scratch},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        found: dict[str, Any] = json.loads(seen.read_text())
    if found["code"] != 0:
        raise RuntimeError(f"tamecrop {' '.join(words)} must exit 0, got {found['code']}")
    return found


def cli(tree: Path) -> Iterator[str]:
    """The code of a checkout's command line."""
    yield from (path.read_text() for path in (tree / "src" / "tamecrop" / "cli").rglob("*.py"))


def touched(package: Path, trees: dict[Path, ast.Module]) -> dict[str, int]:
    """For each kind the files that a new member is named in."""
    return {
        f"files_for_a_new_{kind}": len(naming(found, trees) | own)
        for kind, (found, own) in kinds(package, trees).items()
    }


def kinds(package: Path, trees: dict[Path, ast.Module]) -> dict[str, tuple[list[str], set[Path]]]:
    """Kind to the names of its members, and the file of its own that a new member has, if any."""
    geometry, learning = package / "geometry", package / "learning"
    centers = first_of(geometry / "centers.py", geometry / "centres.py")
    own = package / "a new file.py"
    methods = [
        path
        for path in trees
        if path.parent == learning / "methods" and path.stem not in ("__init__", "base")
    ]
    objectives = [path for path in (learning / "objectives.py",) if path in trees]
    adapters = [path.stem for path in trees if path.parent == package / "views" / "adapters"]
    return {
        "policy": (presets(trees[geometry / "presets.py"]), set()),
        "center": (public_classes(trees[centers]), set()),
        "pair_rule": (public_classes(trees[geometry / "pairs.py"]), set()),
        "method": (
            [
                name
                for path in methods or objectives
                for name in public_classes(trees[path])
                if name != "Settings"
            ],
            {own} if methods else set(),
        ),
        "reader": (["folders", "archives", "downloads"], {own}),
        "host": ([f"adapters.{stem}" for stem in adapters if stem != "__init__"], {own}),
    }


def first_of(*paths: Path) -> Path:
    return next(path for path in paths if path.exists())


def presets(tree: ast.Module) -> list[str]:
    """Keys of `PRESETS`."""
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "PRESETS":
            assert isinstance(node.value, ast.Dict)
            return [ast.literal_eval(key) for key in node.value.keys if key is not None]
    raise ValueError("`PRESETS` must be stated in geometry/presets.py")


def public_classes(tree: ast.Module) -> list[str]:
    """Public classes of a file that are no protocol."""
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        and not node.name.startswith("_")
        and "Protocol" not in map(ast.unparse, node.bases)
    ]


def naming(members: Sequence[str], trees: dict[Path, ast.Module]) -> set[Path]:
    """Files whose code names at least half of the members."""
    least = max(1, (len(members) + 1) // 2)
    return {
        path
        for path, tree in trees.items()
        if sum(member in words(tree) for member in members) >= least
    }


def words(tree: ast.AST) -> set[str]:
    """Identifiers, imported names, and texts that are no docstring."""
    found: set[str] = set()
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found |= {node.name, node.name.rpartition(".")[2]}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= set() if id(node) in docstrings else {node.value}
    return found


def classes(trees: Iterable[ast.AST]) -> Iterator[ast.ClassDef]:
    for tree in trees:
        yield from (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def is_record(node: ast.ClassDef) -> bool:
    """Whether a class is a dataclass, a NamedTuple or a TypedDict."""
    decorators = " ".join(map(ast.unparse, node.decorator_list))
    bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    return "dataclass" in decorators or bool(bases & {"NamedTuple", "TypedDict"})


def shapes(trees: Iterable[ast.Module]) -> dict[str, Any]:
    """Public functions and methods that take or give arrays, and how many state a shape."""
    documented = [
        ast.get_docstring(node) or ""
        for tree in trees
        for node in public_functions(tree)
        if ARRAYS.search(signature(node))
    ]
    with_shape = sum(bool(SHAPE.search(text)) for text in documented)
    return {
        "array_functions": len(documented),
        "array_docstrings_with_shape": round(with_shape / len(documented), 3),
    }


def public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Functions of a file, and methods of its public classes, whose names have no underscore."""
    for node in tree.body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        if not getattr(node, "name", "_").startswith("_"):
            for each in inside:
                if isinstance(each, ast.FunctionDef) and not each.name.startswith("_"):
                    yield each


def signature(node: ast.FunctionDef) -> str:
    """Arguments and return type of a function as text."""
    returned = "" if node.returns is None else ast.unparse(node.returns)
    return f"{ast.unparse(node.args)} -> {returned}"


if __name__ == "__main__":
    main()

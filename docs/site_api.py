"""What the site is made of beside the pages that stand here: the API, other files, the gallery."""

import ast
import inspect
import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import GenericAlias, ModuleType
from typing import Any

import tamecrop
from tamecrop.on_demand import read_stub

HERE = Path(__file__).parent
SOURCE = Path(tamecrop.__file__).parent
EXAMPLES = HERE.parent / "examples"
_BARS = re.compile(r"(?<![`|])\|(?!\|)")


def list_packages() -> list[str]:
    """The front door, and every room with a stub."""
    rooms = sorted(path.parent.name for path in SOURCE.glob("*/__init__.pyi"))
    return ["tamecrop", *(f"tamecrop.{room}" for room in rooms)]


def write_api(folder: Path) -> None:
    """Write a page for each package, and remove those of packages that are gone.

    A page whose content stays is not touched: Sphinx then does not read it again.
    """
    folder.mkdir(exist_ok=True)
    pages = {f"{package}.rst": describe_package(package) for package in list_packages()}
    for path in folder.glob("*.rst"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def describe_package(package: str) -> str:
    """The page of a package in reStructuredText: what each public name is."""
    module = import_module(package)
    lines = [package, "=" * len(package), "", inspect.getdoc(module) or "", ""]
    for name in sorted(list_names(package), key=str.lower):
        lines += describe_name(package, name)
    return "\n".join(lines)


def list_names(package: str) -> list[str]:
    """The public names of a package, from its stub."""
    stub = SOURCE.joinpath(*package.split(".")[1:], "__init__.pyi").read_text()
    return [name for name in read_stub(stub) if name != "__version__"]


def describe_name(package: str, name: str) -> list[str]:
    """The lines that document a public name; what the front door has is described there."""
    found = getattr(import_module(package), name)
    whole = f"{package}.{name}"
    if isinstance(found, ModuleType):
        listed = [f".. automodule:: {found.__name__}", "   :members:", ""]
        return [whole, "-" * len(whole), "", *listed]
    if package != "tamecrop" and any(
        found is getattr(tamecrop, other) for other in list_names("tamecrop")
    ):
        return [f"- `{name}`: see :doc:`tamecrop`", ""]
    if inspect.isclass(found) and not isinstance(found, GenericAlias):
        return [f".. autoclass:: {whole}", "   :members:", ""]
    if inspect.isfunction(found):
        return [f".. autofunction:: {whole}", ""]
    what = f"names: {', '.join(found)}" if isinstance(found, dict) else str(found)
    return [f".. py:data:: {whole}", "", f"   ``{what}``", ""]


def list_missing(script: Path) -> list[str]:
    """The modules that a script imports and that are not installed."""
    named = [
        name
        for node in ast.walk(ast.parse(script.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else read_names(node))
    ]
    return [name for name in named if not is_installed(name)]


def read_names(node: ast.Import) -> list[str]:
    """What `import a, b.c` names."""
    return [alias.name for alias in node.names]


def is_installed(name: str) -> bool:
    """Whether a module can be found."""
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # of what it lies in
        return False


def remove_gone(gallery: Path) -> None:
    """Remove the pages of examples that are gone; Sphinx reads whatever lies there."""
    for page in gallery.rglob("*.rst"):
        script = (EXAMPLES / page.relative_to(gallery)).with_suffix(".py")
        if page.name != "index.rst" and not script.exists():
            page.unlink()


def pattern_of(shown_only: list[Path]) -> str:
    """The pattern of the examples that the gallery executes: all but these."""
    names = "|".join(re.escape(path.name) for path in shown_only)
    return rf"/(?!(?:{names})$)\w+\.py$"


def say_what_is_missing(page: str, missing: list[str]) -> str:
    """A page of the gallery with a note below its title."""
    note = (
        f".. note:: Shown and not executed: ``{missing[0]}`` is not installed where this site was "
        "built. ``make test-hosts`` executes it.\n"
    )
    title = re.search(r"^=+\n", page, re.MULTILINE)
    assert title is not None, page
    return f"{page[: title.end()]}\n{note}\n{page[title.end() :]}"


def read_root_file(name: str) -> str:
    """A Markdown file beside `docs/`, with its links as they are from here."""
    text = (HERE.parent / name).read_text()
    text = re.sub(r"\]\((?!http|docs/|#)", "](../", text).replace("](docs/", "](")
    for page in ("CONTRIBUTING", "CHANGELOG"):
        text = text.replace(f"](../{page}.md)", f"]({page.lower()}.md)")
    return text


def fill_in(_: Any, page: str, source: list[str]) -> None:
    """Put the files beside `docs/` where a page names them, `<!-- README.md -->`.

    And in the table of contents, `<!-- other pages -->`, the pages that it does not name; and on a
    page of the gallery what kept it from being executed.
    """
    script = EXAMPLES / f"{page.removeprefix('gallery/')}.py"
    if page.startswith("gallery/") and script.exists() and (missing := list_missing(script)):
        source[0] = say_what_is_missing(source[0], missing)
    others = sorted({path.stem for path in HERE.glob("*.md")} - {"index", *source[0].split()})
    source[0] = source[0].replace("<!-- other pages -->", "\n".join(others))
    source[0] = re.sub(r"<!-- (\w+\.md) -->", lambda found: read_root_file(found[1]), source[0])


def read_singly(*words: Any) -> None:
    """A bar is a bar: our docstrings write |x| for what reStructuredText would replace.

    Sphinx hands over what is documented, and last its lines, which change in place.
    """
    lines: list[str] = words[-1]
    lines[:] = [_BARS.sub(r"\\|", line) for line in lines]

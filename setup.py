"""The description that an index shows: README.md, whose links must lead somewhere from there.

All else about the package stands in `pyproject.toml`.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from setuptools import setup

ROOT = Path(__file__).parent

_CODE = re.compile(r"(^```.*?^```$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")


def find_source(project: Mapping[str, Any]) -> str | None:
    """The address of the repository, from `Source` or `Repository` of `[project.urls]`."""
    urls = {name.lower(): address for name, address in project.get("urls", {}).items()}
    found = urls.get("source") or urls.get("repository")
    return found and found.rstrip("/").removesuffix(".git")


def describe(readme: str, source: str | None) -> str:
    """README with links of this folder made absolute; plain words without a repository to lead to.

    A picture becomes what it shows and where the source distribution has it. Code stays as it is.
    """

    def replace(link: re.Match[str]) -> str:
        picture, words, target = link.groups()
        if re.match(r"[a-z]+:", target):
            return link[0]
        if source is None:
            return f"*{words}: `{target}` of the source distribution.*" if picture else words
        page = f"README.md{target}" if target.startswith("#") else target
        return f"{picture}[{words}]({source}/{'raw' if picture else 'blob'}/HEAD/{page})"

    # Code is put aside first: it may look like a link, and be the words of one.
    code = _CODE.findall(readme)
    numbers = iter(range(len(code)))
    hidden = _CODE.sub(lambda _: f"\0{next(numbers)}\0", readme)
    changed = _LINK.sub(replace, hidden)
    return re.sub(r"\0(\d+)\0", lambda place: code[int(place[1])], changed)


if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    setup(
        long_description=describe((ROOT / "README.md").read_text("utf-8"), find_source(project)),
        long_description_content_type="text/markdown",
    )

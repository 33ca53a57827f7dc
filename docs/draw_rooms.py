"""Draw `docs/rooms.svg`: the rooms of the package in their order, and what each imports.

Run: python docs/draw_rooms.py
"""

import ast
from importlib import import_module
from pathlib import Path

import tamecrop

SOURCE = Path(tamecrop.__file__).parent
PICTURE = Path(__file__).parent / "rooms.svg"
ROOMS = ("geometry", "views", "data", "learning", "reporting", "studies", "audit", "paper", "cli")
"""In the order in which they may import: each from those before it. A test reads the imports."""

WIDTH, ROW, LEFT = 760, 58, 40
STYLE = """
  text { font-family: system-ui, sans-serif; fill: #1c2333; }
  .name { font-size: 17px; font-weight: 700; }
  .words { font-size: 12.5px; }
  .uses { font-size: 12px; fill: #69707f; }
  rect { fill: #f2f4f7; stroke: #b9bfca; }
  .page { fill: #ffffff; stroke: none; }
  path { stroke: #3d5a98; stroke-width: 2; fill: none; }
"""


def find_uses(room: str) -> list[str]:
    """The rooms that a room's files import, in the order of the rooms."""
    found = {
        name.split(".")[1]
        for path in (SOURCE / room).rglob("*.py*")
        if path.suffix in (".py", ".pyi")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (name := node.module or "").startswith("tamecrop.")
    }
    return [each for each in ROOMS if each in found - {room}]


def draw_room(place: int, room: str) -> list[str]:
    """One row of the picture."""
    words = (import_module(f"tamecrop.{room}").__doc__ or "").partition("\n")[0].replace("`", "")
    uses = ", ".join(find_uses(room))
    top = 12 + ROW * place
    return [
        f'<rect x="{LEFT}" y="{top}" width="{WIDTH - LEFT - 12}" height="{ROW - 8}" rx="6"/>',
        f'<text class="name" x="{LEFT + 12}" y="{top + 31}">{room}</text>',
        f'<text class="words" x="{LEFT + 118}" y="{top + 22}">{words}</text>',
        f'<text class="uses" x="{LEFT + 118}" y="{top + 40}">'
        f"{f'imports {uses}' if uses else 'imports no other room'}</text>",
    ]


def draw() -> str:
    """The whole picture."""
    height = 16 + ROW * len(ROOMS)
    rows = [line for place, room in enumerate(ROOMS) for line in draw_room(place, room)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            "<title>The rooms of tamecrop: each imports only rooms above it</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="page" width="{WIDTH}" height="{height}"/>',
            f'<path d="M20 {height - 20} V24 m-6 9 l6 -9 l6 9"/>',
            *rows,
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    PICTURE.write_text(draw())

"""Draw `docs/rooms.svg`: the rooms of the package in their order, and what each is for.

Run: python docs/draw_rooms.py
"""

from importlib import import_module
from pathlib import Path

import tamecrop

SOURCE = Path(tamecrop.__file__).parent
PICTURE = Path(__file__).parent / "rooms.svg"
ROOMS = ("geometry", "views", "data", "learning", "reporting", "studies", "audit", "paper", "cli")
"""In the order in which they may import: each from those before it. A test reads the imports."""

WIDTH, ROW, LEFT = 760, 46, 40
STYLE = """
  text { font-family: system-ui, sans-serif; fill: #1c2333; }
  .name { font-size: 17px; font-weight: 700; }
  .words { font-size: 12.5px; }
  rect { fill: #f2f4f7; stroke: #b9bfca; }
  .page { fill: #ffffff; stroke: none; }
  path { stroke: #3d5a98; stroke-width: 2; fill: none; }
"""


def draw_room(place: int, room: str) -> list[str]:
    """One row of the picture."""
    words = (import_module(f"tamecrop.{room}").__doc__ or "").partition("\n")[0].replace("`", "")
    top = 12 + ROW * place
    return [
        f'<rect x="{LEFT}" y="{top}" width="{WIDTH - LEFT - 12}" height="{ROW - 8}" rx="6"/>',
        f'<text class="name" x="{LEFT + 12}" y="{top + 25}">{room}</text>',
        f'<text class="words" x="{LEFT + 118}" y="{top + 24}">{words}</text>',
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

"""How the cost of views grows: with image area, number of views, and batch, and by policy.

One process, one thread, its CPU time; in every part all rivals take turns. The files are
photographs, enlarged at quality 90. `python benchmarks/cost.py FOLDER [ROUNDS]` measures and writes
`results/benchmarks/cost.json`; `python benchmarks/cost.py` writes `docs/cost.md` and its figure
from that file alone.
"""

import itertools
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from common import RESULTS, write
from decode import enlarged
from tamecrop.data import ImageSet, Loading, ViewLoader, header_size
from tamecrop.geometry import PRESETS, plan
from tamecrop.geometry.policy import policy
from tamecrop.reporting import color, new_figure, png, use_theme
from tamecrop.studies.turns import Part, Turn, measure
from tamecrop.views.photometric import photometric

DOCS = Path(__file__).parents[1] / "docs"
MEGAPIXELS = ((0.1, 16), (0.3, 16), (1, 8), (4, 4), (12, 2))
"""Of the enlarged photographs, and how many of them make a turn."""

HOWS = ("fast", "full")
VIEWS = (1, 2, 4, 8)
BATCHES = (1, 8, 64, 512)
POLICY = "rrc:scale=0.2..1"


def loading(images: ImageSet, text: str, **how: Any) -> Turn:
    views = plan(text)
    loader = ViewLoader(images, views, Loading(batch_size=len(images), **how))

    def turn(epoch: int) -> int:
        (_,) = loader.batches(epoch)
        return len(images)

    return turn


def files(found: Sequence[Path], scratch: Path, megapixels: float, number: int) -> ImageSet:
    paths = [scratch / f"{megapixels}_{place}.jpg" for place in range(number)]
    for path, source in zip(paths, found, strict=False):
        path.write_bytes(enlarged(source, megapixels))
    return ImageSet(paths=tuple(paths), sizes=np.array([header_size(path) for path in paths]))


def by_area(found: Sequence[Path], scratch: Path) -> dict[str, Turn]:
    sets = {each: files(found, scratch, each, number) for each, number in MEGAPIXELS}
    return {
        f"{megapixels} Mpx, {how}": loading(images, f"2x {POLICY} @224", decode=how)
        for megapixels, images in sets.items()
        for how in HOWS
    }


def by_views(found: Sequence[Path], scratch: Path) -> dict[str, Turn]:
    images = files(found, scratch, 0.3, 16)
    return {
        f"{views} views, {how}": loading(images, f"{views}x {POLICY} @224", decode=how)
        for views in VIEWS
        for how in HOWS
    }


def by_batch() -> dict[str, Turn]:
    """Images in memory, 32 px, with SimCLR's colors: nothing is decoded."""
    colors = photometric("simclr")
    pixels = torch.randint(0, 256, (max(BATCHES), 3, 32, 32), dtype=torch.uint8)

    def batch(number: int) -> Turn:
        views = plan(f"2x {POLICY} @32")
        loader = ViewLoader(ImageSet.in_memory(pixels[:number]), views, Loading(batch_size=number))

        def turn(epoch: int) -> int:
            (made,) = loader.batches(epoch)
            colors.apply(made.views[0], epoch=epoch, index=made.index)
            return number

        return turn

    return {f"batch {number}": batch(number) for number in BATCHES}


def by_policy() -> dict[str, Turn]:
    """Drawing the boxes of 2,048 images at once; the same count cut to 32 px costs as `cut`."""
    sizes = np.full((2048, 2), 32)
    middle = np.full((2048, 4), [8, 8, 24, 24])
    pixels = torch.randint(0, 256, (2048, 3, 32, 32), dtype=torch.uint8)

    def draw(name: str) -> Turn:
        each = policy(name)
        given = middle if each.needs_boxes else None

        def turn(epoch: int) -> int:
            boxes = each.draw(sizes, views=each.needs_views or 2, epoch=epoch, object_boxes=given)
            return len(boxes)

        return turn

    return {name: draw(name) for name in PRESETS} | {
        "cut to 32 px": loading(ImageSet.in_memory(pixels), f"2x {POLICY} @32")
    }


def main(folder: Path, rounds: int) -> None:
    torch.set_num_threads(1)
    found = sorted(folder.rglob("*.jpg"))
    with tempfile.TemporaryDirectory() as scratch:
        sweeps = {
            "area": by_area(found, Path(scratch)),
            "views": by_views(found, Path(scratch)),
            "batch": by_batch(),
            "policy": by_policy(),
        }
        parts: list[dict[str, object]] = [{"rounds": rounds, "threads": 1}]
        for title, rivals in sweeps.items():
            rates = measure(rivals, rounds=rounds, seconds=0.1, clock=time.process_time)
            part = Part(title, "images/s", rates)
            parts.append(asdict(part))
            for rate in part.rates:
                print(f"  {title:<8} {rate.name:<20} {1000 / rate.per_second:>10.3f} ms an image")
    write("cost", parts)
    document()


def milliseconds(stored: Mapping[str, Any]) -> dict[str, dict[str, tuple[float, float, float]]]:
    """By part and rival milliseconds an image: the median, the fastest and the slowest round."""
    return {
        part["title"]: {
            rate["name"]: tuple(1000 / rate[key] for key in ("per_second", "high", "low"))
            for rate in part["rates"]
        }
        for part in stored["parts"][1:]
    }


def slope(times: Mapping[str, tuple[float, ...]], pairs: Sequence[tuple[str, str, float]]) -> str:
    """Exponents of growth between neighbors, the least and the most."""
    found = [
        np.log(times[after][0] / times[before][0]) / np.log(factor)
        for before, after, factor in pairs
    ]
    return f"{min(found):.2f} to {max(found):.2f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(times: tuple[float, float, float]) -> str:
    return f"{number(times[0])} ({number(times[1])} to {number(times[2])})"


def number(value: float) -> str:
    """Three digits, and no exponent.

    >>> number(123.4), number(1.234), number(0.01234)
    ('123', '1.23', '0.0123')
    """
    return f"{value:.0f}" if value >= 99.5 else f"{float(f'{value:.3g}'):g}"


def both(found: Mapping[str, tuple[float, float, float]], name: str) -> list[str]:
    return [cell(found[f"{name}, {how}"]) for how in HOWS]


def growth(area: Mapping[str, tuple[float, ...]], how: str) -> str:
    """Exponents from 1 Mpx on."""
    sizes = [each for each, _ in MEGAPIXELS if each >= 1]
    names = [(f"{a} Mpx, {how}", f"{b} Mpx, {how}", b / a) for a, b in itertools.pairwise(sizes)]
    return slope(area, names)


def tables(times: Mapping[str, Mapping[str, tuple[float, float, float]]]) -> dict[str, str]:
    area, views, batch, law = (times[name] for name in ("area", "views", "batch", "policy"))
    by_area = [
        [
            str(size),
            *both(area, f"{size} Mpx"),
            f"{area[f'{size} Mpx, fast'][0] / area[f'{size} Mpx, full'][0]:.2f}",
        ]
        for size, _ in MEGAPIXELS
    ]
    by_policy = [
        [
            f"`{name}`" if name in PRESETS else name,
            cell((1000 * each[0], 1000 * each[1], 1000 * each[2])),
        ]
        for name, each in law.items()
    ]
    return {
        "area": table(["megapixels", "`fast`", "`full`", "fast / full"], by_area),
        "views": table(
            ["views", "`fast`", "`full`"], [[str(n), *both(views, f"{n} views")] for n in VIEWS]
        ),
        "batch": table(
            ["batch", "ms an image"], [[str(n), cell(batch[f"batch {n}"])] for n in BATCHES]
        ),
        "policy": table(["policy", "microseconds an image"], by_policy),
    }


def page(stored: Mapping[str, Any]) -> str:
    """The text of `docs/cost.md`."""
    here, times = stored["environment"], milliseconds(stored)
    shown = tables(times)
    views, batch, law = (times[name] for name in ("views", "batch", "policy"))
    one_more = {
        how: (views[f"{VIEWS[-1]} views, {how}"][0] - views[f"{VIEWS[0]} views, {how}"][0])
        / (VIEWS[-1] - VIEWS[0])
        for how in HOWS
    }
    cheap, dear = (
        pick((name for name in law if name in PRESETS), key=lambda name: law[name][0])
        for pick in (min, max)
    )
    alone, many = (batch[f"batch {each}"][0] for each in (BATCHES[0], BATCHES[-1]))
    return f"""# What views cost, and how it grows

`tamecrop bench DATA` measures your machine and data. This page says what to expect when an image,
a plan or a batch grows. Milliseconds of CPU time an image, one thread, median (fastest to slowest)
of {stored["parts"][0]["rounds"]} rounds in which all take turns; {here["hardware"]},
{here["cores"]} cores shared with other work, torch {here["versions"]["torch"]}, commit
{here["commit"]}. `benchmarks/cost.py` writes [cost.json](../results/benchmarks/cost.json), and from
there this page.

![Milliseconds an image against its area, and against the number of views](cost.png)

## Image area

JPEG files, two views `2x {POLICY} @224`, drawn, decoded and cut, with `--training.decode fast` and
`full`:

{shown["area"]}

From 1 Mpx on the time grows with the area to the power {growth(times["area"], "full")} with `full`,
which decodes every pixel, and {growth(times["area"], "fast")} with `fast`, which decodes at the
smallest scale that feeds the views and, where it is installed, by `simplejpeg`.

## Number of views

Files of 0.3 Mpx, views of 224 px. A file is read and decoded once, so that each further view costs
{number(one_more["fast"])} ms (`fast`) or {number(one_more["full"])} ms (`full`):

{shown["views"]}

## Batch

Images of 32 px in memory, two views with SimCLR's colors. A batch shares what a call costs at all:
an image in a batch of {BATCHES[-1]} costs {many / alone:.3f} of one alone.

{shown["batch"]}

## Policy

Drawing the boxes of 2,048 images at once, beside cutting two views of 32 px. The cheapest is
`{cheap}`, the dearest `{dear}`: {law[dear][0] / law[cheap][0]:.1f} times as much, and
{law[dear][0] / law["cut to 32 px"][0]:.3f} of the cut.

{shown["policy"]}
"""


def figure(stored: Mapping[str, Any]) -> bytes:
    times = milliseconds(stored)
    sizes = [each for each, _ in MEGAPIXELS]
    sides = (
        ("megapixels", sizes, [f"{each} Mpx" for each in sizes], times["area"]),
        ("views of an image", VIEWS, [f"{each} views" for each in VIEWS], times["views"]),
    )
    with use_theme():
        drawn = new_figure(7.2, 2.9)
        for place, (label, positions, names, found) in enumerate(sides):
            axes = drawn.add_subplot(1, 2, place + 1)
            for shade, how in enumerate(HOWS):
                each = np.array([found[f"{name}, {how}"] for name in names])
                spread = np.abs(each[:, 1:] - each[:, :1]).T
                axes.errorbar(
                    positions, each[:, 0], spread, color=color(shade), label=how, marker="o", ms=3
                )
            axes.set(xlabel=label)
        first, second = drawn.axes
        first.set(xscale="log", yscale="log", ylabel="ms an image")
        first.legend(title="decode")
        second.set(ylim=(0, None))
        return png(drawn, dpi=110)


def document() -> None:
    """Write the page and its figure from what is stored."""
    stored = json.loads((RESULTS / "cost.json").read_text())
    (DOCS / "cost.md").write_text(page(stored))
    (DOCS / "cost.png").write_bytes(figure(stored))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 7)
    else:
        document()

"""Write what pages take from the code and from results, and draw what they show.

Between two comment lines of `docs/policies.md`, `methods.md` and `league.md` stand tables made from
the presets, from the methods' files, and from `results/`. `docs/policies/NAME.jpg` are views of
scikit-learn's photograph of a flower, `docs/league/NAME.jpg` what a league found; each file's
comment is a digest of what it shows.

Run: python docs/write_lists.py
"""

import hashlib
import inspect
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from statistics import mean, stdev
from typing import Literal

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image
from sklearn.datasets import load_sample_image

from tamecrop.audit.measures.objects import measure_objects
from tamecrop.audit.measures.view_pairs import Shapes, draw_pairs, pair_views
from tamecrop.geometry import content_iou, plan, text as grammar
from tamecrop.geometry.presets import PLANS, PRESETS
from tamecrop.learning import methods
from tamecrop.learning.methods.base import Method
from tamecrop.reporting import (
    color,
    compare_arms,
    interval_words,
    marker,
    new_figure,
    percent,
    png,
    points,
    sheet_figure,
    use_theme,
)
from tamecrop.studies import store
from tamecrop.studies.cells import ArmRecord, Summary, accuracies, name_arm, summarize

HERE = Path(__file__).parent
PICTURES = HERE / "policies"
FIGURES = HERE / "league"
RESULTS = HERE.parent / "results"
BENCHMARKS = RESULTS / "benchmarks"


@dataclass(frozen=True)
class League:
    """A data set of the league, of which `results/league` has a file.

    Attributes:
        title: Of its images.
        size: Of an image.
        side: Of views.
    """

    title: str
    size: tuple[int, int]
    side: int

    @property
    def baseline(self) -> str:
        """What the others are compared with."""
        return f"2x rrc:scale=0.2..1 @{self.side}"

    def bare(self, policy: str) -> str:
        """A policy without what all have."""
        return policy.replace("2x ", "").replace(f" @{self.side}", "")


LEAGUES = {
    "cifar10": League("CIFAR-10", (32, 32), 24),
    "tiny_imagenet32": League("Tiny-ImageNet, 32 px", (32, 32), 24),
    "imagenette64": League("Imagenette, 64 px", (64, 64), 48),
}
"""By the name of the file; those that are there are shown."""
COMMON = {"extent=random", "scale=0.2..1", "ratio=0.75..4/3", "sigma=0.2165", "a=0.1", "tries=50"}
"""What most policies of a league have: no label needs it."""
TEST_CONFIDENCE = 0.975
"""Of an interval of the test of a frozen policy, on each of two sets."""
BEGIN, END = "<!-- begin: docs/write_lists.py -->", "<!-- end -->"

FLOWER = np.array([[169, 84, 447, 358]])
"""The object on the photograph."""
DRAWS = 3
PAIRS = 10_000


def read_photograph() -> torch.Tensor:
    """Scikit-learn's `flower.jpg`, `(3, 427, 640)`."""
    return torch.from_numpy(load_sample_image("flower.jpg").copy()).permute(2, 0, 1)


def draw_picture(name: str) -> bytes:
    """The picture of a preset policy or view plan as JPEG, which carries its digest."""
    photograph, shown = read_photograph(), plan(name)
    count = DRAWS if name in PRESETS else 1
    figure = sheet_figure([photograph] * count, [shown], objects=[FLOWER] * count)
    return jpeg(figure, digest(name))


def jpeg(figure: Figure, comment: str) -> bytes:
    """A figure as JPEG that carries a comment."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(png(figure, dpi=100))) as drawn:
        drawn.convert("RGB").save(buffer, "JPEG", quality=80, optimize=True, comment=comment)
    return buffer.getvalue()


def digest(name: str) -> str:
    """Of the policy's text and of its boxes on the photograph."""
    shown = plan(name)
    objects = np.repeat(FLOWER, DRAWS, axis=0) if shown.needs_boxes else None
    drawn = shown.draw((427, 640), index=np.arange(DRAWS), object_boxes=objects)
    content = str(shown).encode() + b"".join(boxes.tobytes() for boxes in drawn)
    return hashlib.sha256(content).hexdigest()[:16]


def read_digest(path: Path) -> str:
    """The digest that a picture carries."""
    with Image.open(path) as picture:
        return bytes(picture.info["comment"]).decode()


def read_rows(benchmark: str, title: str) -> Mapping[str, Mapping[str, object]]:
    """The rows of one part of a benchmark's file."""
    parts = json.loads((BENCHMARKS / f"{benchmark}.json").read_text())["parts"]
    return next(part["rows"] for part in parts if part.get("title", "").startswith(title))


def list_costs() -> dict[str, str]:
    """What a crop costs beside torchvision's, for the preset policies that were measured."""
    one = read_rows("drop_in", "one view, PIL 640x427 -> 224")
    two = read_rows("drop_in", "two views, PIL 640x427 -> 224")
    found = {key.removeprefix("Views "): row["ratio"] for key, row in two.items()}
    found |= {key.removeprefix("Crop "): row["ratio"] for key, row in one.items()}
    return {name: f"{found[name]:.2f}" if name in found else "not measured" for name in PRESETS}


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def describe_policies() -> list[str]:
    """The table of preset policies, that of view plans, and a picture of each."""
    shapes = Shapes(np.tile([[427, 640]], (PAIRS, 1)), object_boxes=[FLOWER] * PAIRS)
    costs = list_costs()
    rows = []
    for name, preset in PRESETS.items():
        pair = pair_views(name)
        (drawn,) = draw_pairs(pair, shapes, draws=1)
        iou = content_iou(drawn.boxes, (427, 640)).mean()
        kept = measure_objects(pair, shapes, draws=1).pair_share
        facts = [f"{iou:.2f}", f"{100 * kept:.0f} %", costs[name]]
        rows.append([f"[`{name}`](#{name})", preset.when, *facts, preset.source])
    heads = ["policy", "when to take it", "IoU", "both show half", "cost", "source"]
    lines = table(heads, rows)
    lines += ["", "## View plans", "", *describe_plans(), "", "## Pictures", ""]
    for name, preset in (PRESETS | PLANS).items():
        words = f"{preset.note[0].upper()}{preset.note[1:]}. Take it {preset.when}."
        alt = f"One photograph under {name}: the boxes, and the views they give"
        lines += [f"### {name}", "", words, "", f"`{plan(name)}`", ""]
        lines += [f"![{alt}](policies/{name}.jpg)", ""]
    return lines


def describe_plans() -> list[str]:
    """The table of view plans; what their views cost is counted in pixels."""
    rows = []
    for name, preset in PLANS.items():
        groups = plan(name).groups
        pixels = [group.views * group.size[0] * group.size[1] for group in groups]
        cost = sum(pixels) / (pixels[0] / groups[0].views * 2)
        rows.append(
            [f"[`{name}`](#{name})", f"`{plan(name)}`", preset.when, f"{cost:.2f}", preset.source]
        )
    return table(["view plan", "it stands for", "when to take it", "pixels", "source"], rows)


def describe_methods() -> list[str]:
    """Two tables of methods: which to take, and how it is set."""
    steps = read_rows("method_steps", "one training step")
    every = {name: read_method(name) for name in methods.names()}
    chosen = [
        [
            f"`{name}`",
            found["when"],
            f"{steps[name]['ratio']:.2f}",
            f"{steps[name]['over_lightly']:.2f}",
            f"{steps[name]['kept_mib']:.0f}, {steps[name]['kept_mib_lightly']:.0f}",
            f"{steps[name]['numbers']['beside_it'] / 1e6:.1f} M",
            found["source"],
        ]
        for name, found in every.items()
    ]
    stated = [
        [f"`{name}`", found["needs"], found["defaults"], found["larger"]]
        for name, found in every.items()
    ]
    lines = table(
        ["method", "when to take it", "step", "Lightly's", "MiB", "beside the backbone", "source"],
        chosen,
    )
    return [*lines, "", *table(["method", "needs", "defaults", "for 224 px"], stated)]


def read_method(name: str) -> dict[str, str]:
    """What a method's file and settings say of it."""
    module = import_module(f"{methods.__name__}.{name}")
    head = " ".join(module.__doc__.split())
    authors, number = re.search(r"Source: (.+?),? arXiv:([\d.]+\d)", head).groups()
    larger = re.search(r"224 px: `([^`]+)`", head)
    kind: type[Method] = module.METHOD
    inherited = kind.check.__func__ is Method.check.__func__
    needs = TWO_VIEWS if inherited else inspect.getdoc(kind.check).partition("\n")[0].rstrip(".")
    defaults = grammar.join("", asdict(kind.settings_type()))[1:]
    return {
        "source": f"{authors}, [{number}](https://arxiv.org/abs/{number})",
        "when": re.search(r"When: (.+?)\.$", head)[1],
        "needs": needs[0].lower() + needs[1:],
        "defaults": f"`{defaults}`",
        "larger": "not stated by the paper" if larger is None else write_larger(name, larger[1]),
    }


def write_larger(name: str, text: str) -> str:
    """The settings that differ for 224 px."""
    return "the same" if text == name else f"`{text.partition(':')[2]}`"


TWO_VIEWS = "two views, in one group or in two"
"""What a method needs that checks nothing of its own."""


def read_league(name: str) -> Summary:
    """The cells of a league, the baseline first."""
    cells = store.read(RESULTS / "league" / f"{name}.json")
    baseline = LEAGUES[name].baseline
    keys = sorted((cell.key for cell in cells), key=lambda key: key.policy != baseline)
    return summarize(cells, keys)


def league_digest(name: str) -> str:
    """Of the accuracies of a league's cells."""
    found = sorted((*cell.key, cell.linear_accuracy) for cell in read_league(name).cells)
    return hashlib.sha256(repr(found).encode()).hexdigest()[:16]


def overlap(policy: str, size: tuple[int, int]) -> float | None:
    """The mean IoU of a pair of views; None where a training step sees others or more."""
    shown = plan(policy)
    if len(shown.groups) > 1 or shown.groups[0].views != 2 or shown.needs_boxes:
        return None
    (drawn,) = draw_pairs(pair_views(policy), Shapes(np.tile([size], (PAIRS, 1))), draws=1)
    return float(content_iou(drawn.boxes, size).mean())


def label(policy: str) -> str:
    """A bare policy of a league without what most have."""
    head, _, tail = policy.partition(":")
    return " ".join([head, *(word for word in tail.split(",") if word not in COMMON)])


def describe_league() -> list[str]:
    """A table and a figure for each data set of the league that has cells."""
    lines = []
    for name, league in LEAGUES.items():
        if (RESULTS / "league" / f"{name}.json").exists():
            found = read_league(name)
            arms = sorted(found.arms, key=lambda arm: -arm.mean)
            rows = [write_arm(league, found, arm) for arm in arms]
            heads = ["crop policy", "linear, %", "points over `rrc` (95 %)", "kNN, %", "IoU", "n"]
            alt = f"Linear accuracy on {league.title} against the mean IoU of two views"
            lines += [f"## {league.title}", "", describe_cells(league, found), ""]
            lines += [*table(heads, rows), "", f"![{alt}](league/{name}.jpg)", ""]
    lines += ["## The frozen policy, tested once", "", *describe_test(), ""]
    return [*lines, "## Tried for a policy of our own", "", *describe_choice()]


def describe_cells(league: League, found: Summary) -> str:
    """What the baseline was trained and judged on."""
    cell = next(cell for cell in found.cells if cell.policy == league.baseline)
    return (
        f"{cell.train_images:,} images to train on, {cell.test_images:,} to test, "
        f"{cell.classes} classes; views of {league.side} px, {len(cell.losses)} epochs."
    )


def describe_choice() -> list[str]:
    """Accuracies on images of train alone, beside the baseline's of the same seeds.

    A file `NAME_held_out.json` has its own baseline, and its test images are some of train.
    """
    rows = []
    for path in sorted((RESULTS / "league" / "choice").glob("*.json")):
        name, held_out, _ = path.stem.partition("_held_out")
        league, cells = LEAGUES[name], store.read(path)
        beside = cells if held_out else read_league(name).cells
        judged: Literal["linear", "validation"] = "linear" if held_out else "validation"
        first = accuracies(beside, league.baseline, "compare", name=judged)
        images = f"{cells[0].test_images:,} held out" if held_out else "validation"
        usual = next(each.epochs for each in beside if each.policy == league.baseline)
        for policy, protocol, epochs in sorted(
            {(each.policy, each.protocol, each.epochs) for each in cells}
        ):
            if policy == league.baseline:
                continue
            alike = [each for each in cells if each.epochs == epochs]
            found = accuracies(alike, policy, protocol, name=judged)
            gap = float(np.mean([found[seed] - first[seed] for seed in found]))
            mean = percent(float(np.mean([*found.values()])))
            arm = name_arm(policy, protocol, {protocol})
            if epochs != usual and arm == policy:
                arm = f"{policy} ({epochs} epochs)"
            row = [f"{league.title}, {images}", f"`{arm}`", mean, points(gap), str(len(found))]
            rows.append((bool(held_out), -gap, row))
    heads = ["images", "views", "linear, %", "points over `rrc`", "n"]
    return table(heads, [row for *_, row in sorted(rows)])


def describe_test() -> list[str]:
    """The frozen policy against the baseline, seed by seed; some of its seeds are the league's."""
    rows = []
    for path in sorted((RESULTS / "league" / "frozen").glob("*.json")):
        league, cells = LEAGUES[path.stem], store.read(path)
        (ours,) = {each.policy for each in cells} - {league.baseline}
        (epochs,) = {each.epochs for each in cells if each.policy == ours}
        usual = (*read_league(path.stem).cells, *cells)
        found, gaps = {}, {}
        for name in ("linear", "knn"):
            mine = accuracies(cells, ours, "compare", name=name)
            other = accuracies(usual, league.baseline, "compare", name=name)
            found[name] = {ours: mine, league.baseline: other}
            compared, _ = compare_arms(found[name], league.baseline, level=TEST_CONFIDENCE)
            gaps[name] = compared[ours]
        row = [league.title, f"`{ours}`, {epochs} epochs"]
        for arm in (ours, league.baseline):
            values = [*found["linear"][arm].values()]
            row.append(f"{percent(mean(values))} ± {percent(stdev(values))}")
        row += [interval_words(gaps["linear"]), points(gaps["knn"].mean)]
        rows.append([*row, str(gaps["linear"].n)])
    heads = ["images", "views", "linear, %", "`rrc`, %", "points over it (97.5 %)"]
    return table([*heads, "by kNN", "n"], rows)


def write_arm(league: League, found: Summary, arm: ArmRecord) -> list[str]:
    """A row of a league's table."""
    gap, spread, iou = arm.difference, arm.spread, overlap(arm.policy, league.size)
    over = "baseline" if arm.policy == league.baseline else points(gap.mean)
    if gap is not None and gap.low is not None:
        over += f" ({points(gap.low)} to {points(gap.high)})"
    linear = percent(arm.mean) if spread is None else f"{percent(arm.mean)} ± {percent(spread)}"
    share = "" if iou is None else f"{iou:.2f}"
    policy = f"`{league.bare(found.name(arm))}`"
    return [policy, linear, over, percent(arm.knn_mean), share, str(arm.n)]


def draw_league(name: str) -> bytes:
    """Accuracy against overlap, with the interval of each difference to the baseline."""
    found, league = read_league(name), LEAGUES[name]
    with use_theme():
        figure = new_figure(9, 5)
        axes = figure.subplots()
        for place, arm in enumerate(sorted(found.arms, key=lambda arm: -arm.mean)):
            iou = overlap(arm.policy, league.size)
            if iou is not None:
                gap = arm.difference
                half = 0 if gap is None or gap.high is None else gap.high - gap.mean
                look = {
                    "fmt": marker(place),
                    "color": color(place),
                    "label": label(league.bare(arm.policy)),
                }
                axes.errorbar(iou, 100 * arm.mean, 100 * half, **look)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
        axes.set_xlabel("mean IoU of what two views show")
        axes.set_ylabel("linear accuracy, %; bar: 95 % of the difference to rrc")
        axes.set_title(league.title)
    return jpeg(figure, league_digest(name))


PAGES = {
    "policies.md": describe_policies,
    "methods.md": describe_methods,
    "league.md": describe_league,
}


def filled(page: str, lines: Iterable[str]) -> str:
    """A page with the lines between its two comments replaced.

    Raises:
        ValueError: for a page without exactly one such place.
    """
    before, begin, rest = page.partition(f"{BEGIN}\n")
    _, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in after:
        raise ValueError(f"a page must have one place between {BEGIN} and {END}")
    return "\n".join([before + BEGIN, "", *lines, "", END + after])


def main() -> None:
    """Write tables and pictures."""
    PICTURES.mkdir(exist_ok=True)
    for path in PICTURES.glob("*.jpg"):
        path.unlink()
    for name in PRESETS | PLANS:
        (PICTURES / f"{name}.jpg").write_bytes(draw_picture(name))
    FIGURES.mkdir(exist_ok=True)
    for path in RESULTS.glob("league/*.json"):
        (FIGURES / f"{path.stem}.jpg").write_bytes(draw_league(path.stem))
    for name, describe in PAGES.items():
        path = HERE / name
        path.write_text(filled(path.read_text(), describe()))


if __name__ == "__main__":
    main()

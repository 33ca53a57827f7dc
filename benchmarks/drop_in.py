"""What it costs to put a crop policy in the place of torchvision's RandomResizedCrop.

One process, one thread, its CPU time; all rivals take turns in every round, so that whatever else
the machine does meets all of them. `python benchmarks/drop_in.py [ROUNDS]` writes
`results/benchmarks/drop_in.json`: medians over rounds, and of each round's ratio to torchvision;
`_95` is the interval of the sign test that holds the true median 95 times in 100.
Policies draw boxes of other areas than RandomResizedCrop, and resizing a larger box costs more: the
ratio over the same boxes is to RandomResizedCrop that cuts along boxes of the policy.
"""

import itertools
import math
import random
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import torch
from PIL import Image
from torchvision.transforms import v2

import tamecrop as tc
from common import write

POLICIES = (
    "rrc",
    "rrc:scale=0.08..1",
    "rc",
    "rc_pad",
    "gcc",
    "cgcc",
    "gcc:border=truncate",
    "simccrop",
    "ccrop",
    "cast",
    "emp",
    "crop",
)
PAIRS = ("rrc", "mgcc", "cmgcc", "jointcrop", "object")
SAME = "RandomResizedCrop along the boxes of "
CASES = (((427, 640), 224, 20), ((32, 32), 32, 100))


def pictures(size: tuple[int, int]) -> dict[str, object]:
    """The same noise as a PIL image and as a tensor."""
    pixels = torch.randint(0, 256, (3, *size), generator=torch.Generator().manual_seed(0))
    tensor = pixels.to(torch.uint8)
    return {"PIL": Image.fromarray(tensor.permute(1, 2, 0).numpy()), "tensor": tensor}


class SameBoxes(v2.RandomResizedCrop):
    """RandomResizedCrop that draws as ever and then cuts along boxes of a policy."""

    def __init__(self, text: str, side: int, size: tuple[int, int]) -> None:
        super().__init__(side, scale=(0.2, 1))
        policy = tc.policy(text)
        boxes = policy.draw(size, index=range(1000)).reshape(-1, 4).tolist()
        self.boxes = itertools.cycle(boxes)

    def make_params(self, flat_inputs: list[object]) -> dict[str, int]:
        """A box as ever, unused, and one of the policy."""
        super().make_params(flat_inputs)
        x1, y1, x2, y2 = next(self.boxes)
        return {"top": y1, "left": x1, "height": y2 - y1, "width": x2 - x1}


def repeat(transform: Callable[[object], object], image: object, times: int) -> None:
    for _ in range(times):
        transform(image)


def take_turns(
    rivals: dict[str, Callable[[], object]], times: int, rounds: int
) -> dict[str, list[float]]:
    """Microseconds of CPU time a call of each rival in each round."""
    took: dict[str, list[float]] = {name: [] for name in rivals}
    for number in range(rounds):
        # Whoever follows its own kind finds the caches warm: every round has another order, and
        # every turn begins with a call that does not count.
        names = list(rivals)
        random.Random(number).shuffle(names)
        for name in names:
            work = rivals[name]
            work()
            started = time.process_time()
            for _ in range(times):
                work()
            took[name].append((time.process_time() - started) / times * 1e6)
    return took


def summarize(title: str, took: dict[str, list[float]], over: int = 1) -> dict[str, object]:
    """Medians, and the median over rounds of the ratio to `over` calls of the first rival."""
    first = next(iter(took.values()))
    rows: dict[str, dict[str, object]] = {}
    print(f"\n{title}")
    for name in [name for name in took if not name.startswith(SAME)]:
        times = took[name]
        rows[name] = {"microseconds": round(statistics.median(times), 1)}
        rows[name] |= compare("ratio", times, [over * each for each in first])
        if SAME + name in took:
            rows[name] |= compare("ratio_over_the_same_boxes", times, took[SAME + name])
        print(f"  {name:<40}", *(f"{key} {value}" for key, value in rows[name].items()), sep="  ")
    return {"title": title, "rows": rows}


def compare(name: str, times: list[float], others: list[float]) -> dict[str, object]:
    """The median of the ratios of each round, and its interval of 95 %."""
    ratios = sorted(a / b for a, b in zip(times, others, strict=True))
    skipped = max(math.floor(len(ratios) / 2 - 0.98 * math.sqrt(len(ratios))), 0)
    ends = ratios[skipped], ratios[-1 - skipped]
    return {
        name: round(statistics.median(ratios), 3),
        f"{name}_95": [round(end, 3) for end in ends],
    }


def main(rounds: int) -> None:
    torch.set_num_threads(1)
    parts: list[dict[str, object]] = []
    for source, side, times in CASES:
        for kind, image in pictures(source).items():
            where = f"{kind} {source[1]}x{source[0]} -> {side}"
            crops = {
                "torchvision RandomResizedCrop": v2.RandomResizedCrop(side, scale=(0.2, 1)),
                **{f"Crop {text}": tc.transforms.Crop(text, side) for text in POLICIES},
            }
            pairs = {
                "torchvision RandomResizedCrop": v2.RandomResizedCrop(side, scale=(0.2, 1)),
                **{f"Views {text}": tc.transforms.Views(text, 2, side) for text in PAIRS},
            }
            for title, rivals, over in (
                (f"one view, {where}; ratio to one crop of torchvision", crops, 1),
                (f"two views, {where}; ratio to two crops of torchvision", pairs, 2),
            ):
                works = {name: partial(each, image) for name, each in rivals.items()}
                for name in [*works][1:]:
                    same = SameBoxes(name.partition(" ")[2], side, source)
                    works[SAME + name] = partial(repeat, same, image, over)
                take_turns(works, 5, 1)
                parts.append(summarize(title, take_turns(works, times, rounds), over))
    write("drop_in", [{"rounds": rounds, "threads": 1, "clock": "CPU time of the process"}, *parts])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 31)

"""What a training step of every method costs beside SimCLR's: time, and numbers to keep.

One process, one thread, its CPU time; all methods take turns in every round. A `resnet10w16` on
64 images of 32 px (16 for twenty views, which fill the memory), each method with its defaults and
with the views that it is made for; times are for one image.
`python benchmarks/method_steps.py [ROUNDS]` writes `results/benchmarks/method_steps.json`.
"""

import statistics
import sys
import time

import torch

from common import write
from tamecrop.geometry import plan
from tamecrop.learning.backbones import backbone
from tamecrop.learning.methods import method, names

BATCH, SIDE, NETWORK = 64, 32, "resnet10w16"
PLANS = {"swav": "swav32", "dino": "dino32", "emp_ssl": "20x emp @32"}
TWO = "rrc"
MOST_VIEWS = 512


class Step:
    """A method with its optimizer and one batch of noise."""

    def __init__(self, name: str) -> None:
        torch.manual_seed(0)
        network = backbone(NETWORK)
        kept = sum(each.numel() for each in network.parameters())
        self.method = method(name, network).to(memory_format=torch.channels_last)
        trained = [each for each in self.method.parameters() if each.requires_grad]
        self.optimizer = torch.optim.SGD(trained, lr=0.01, momentum=0.9)
        self.plan = plan(PLANS.get(name, TWO)).at_size(SIDE)
        self.images = BATCH if BATCH * self.plan.views <= MOST_VIEWS else BATCH // 4
        self.views = [torch.randn(self.images, g.views, 3, *g.size) for g in self.plan.groups]
        state = sum(each.numel() for each in self.method.state().values())
        self.sizes = {"backbone": kept, "beside_it": state}

    def run(self) -> None:
        """Take one step."""
        self.optimizer.zero_grad()
        self.method(self.views).backward()
        self.optimizer.step()
        self.method.after_step(0.5)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    torch.set_num_threads(1)
    steps = {name: Step(name) for name in sorted(names(), key=lambda name: name != "simclr")}
    took: dict[str, list[float]] = {name: [] for name in steps}
    for place in range(rounds + 1):
        for name, step in steps.items():
            started = time.process_time()
            step.run()
            if place:  # the first round warms up
                took[name].append((time.process_time() - started) / step.images)
    rows = {
        name: {
            "plan": str(step.plan),
            "milliseconds": round(1000 * statistics.median(took[name]), 2),
            "images": step.images,
            "ratio": round(
                statistics.median(
                    one / other for one, other in zip(took[name], took["simclr"], strict=True)
                ),
                2,
            ),
            "numbers": step.sizes,
        }
        for name, step in steps.items()
    }
    for name, row in rows.items():
        print(f"{name:<14} {row['milliseconds']:.2f} ms, {row['ratio']:.2f} times SimCLR's")
    case = {"rounds": rounds, "threads": 1, "clock": "CPU time of the process"}
    title = f"one training step, {NETWORK}, images of {SIDE} px, time an image; ratio to SimCLR's"
    write("method_steps", [case, {"title": title, "rows": rows}])


if __name__ == "__main__":
    main()

"""What a training step of every method costs: beside SimCLR's, and beside Lightly's example loop.

One process, one thread, its CPU time; all methods take turns in every round, each in our way and as
Lightly's example writes the step (`tests/references/lightly_steps.py`), with the same heads,
weights and views. A `resnet10w16` on 64 images of 32 px (16 for twenty views, which fill the
memory), each method with its defaults and with the views that it is made for; times are for one
image. Memory is what autograd keeps from the forward for the backward pass, each storage counted
once. `python benchmarks/method_steps.py [ROUNDS]` writes `results/benchmarks/method_steps.json`.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from common import write
from tamecrop.geometry import plan
from tamecrop.learning.backbones import backbone
from tamecrop.learning.methods import method, names

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from references.lightly_steps import STEPS

BATCH, SIDE, NETWORK = 64, 32, "resnet10w16"
PLANS = {"swav": "swav32", "dino": "dino32", "emp_ssl": "20x emp @32"}
TWO = "rrc"
MOST_VIEWS = 512
OURS, LIGHTLYS = "ours", "lightly"


class Step:
    """A method with its optimizer and one batch of noise.

    Args:
        name: of the method.
        way: our step, or Lightly's with an optimizer of the same kind.
    """

    def __init__(self, name: str, way: str) -> None:
        torch.manual_seed(0)
        network = backbone(NETWORK)
        kept = sum(each.numel() for each in network.parameters())
        made = method(name, network).to(memory_format=torch.channels_last).train()
        trained = [each for each in made.parameters() if each.requires_grad]
        self.optimizer = torch.optim.SGD(trained, lr=0.01, momentum=0.9)
        self.plan = plan(PLANS.get(name, TWO)).at_size(SIDE)
        self.images = BATCH if BATCH * self.plan.views <= MOST_VIEWS else BATCH // 4
        self.views = [torch.randn(self.images, g.views, 3, *g.size) for g in self.plan.groups]
        state = sum(each.numel() for each in made.state().values())
        self.sizes = {"backbone": kept, "beside_it": state}
        self._forward: Callable[[], tuple[torch.Tensor, Callable[[], object]]]
        if way == OURS:
            self._forward = lambda: (made(self.views), lambda: made.after_step(0.5))
        else:
            theirs = STEPS[name](made)
            self._forward = lambda: theirs(self.views)

    def run(self) -> None:
        """Take one step."""
        self.optimizer.zero_grad()
        loss, after = self._forward()
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            after()

    def kept_bytes(self) -> int:
        """Bytes that wait for the backward pass of a step."""
        found: dict[int, int] = {}

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            found[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            loss, _ = self._forward()
        del loss
        return sum(found.values())


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    torch.set_num_threads(1)
    ordered = sorted(names(), key=lambda name: name != "simclr")
    steps = {(name, way): Step(name, way) for name in ordered for way in (OURS, LIGHTLYS)}
    took: dict[tuple[str, str], list[float]] = {key: [] for key in steps}
    for place in range(rounds + 1):
        for key, step in steps.items():
            started = time.process_time()
            step.run()
            if place:  # the first round warms up
                took[key].append((time.process_time() - started) / step.images)

    def ratio(one: tuple[str, str], other: tuple[str, str]) -> float:
        shares = [a / b for a, b in zip(took[one], took[other], strict=True)]
        return round(statistics.median(shares), 3)

    rows = {}
    for name in ordered:
        ours, theirs = steps[name, OURS], steps[name, LIGHTLYS]
        rows[name] = {
            "plan": str(ours.plan),
            "milliseconds": round(1000 * statistics.median(took[name, OURS]), 2),
            "images": ours.images,
            "ratio": ratio((name, OURS), ("simclr", OURS)),
            "over_lightly": ratio((name, OURS), (name, LIGHTLYS)),
            "kept_mib": round(ours.kept_bytes() / 2**20, 1),
            "kept_mib_lightly": round(theirs.kept_bytes() / 2**20, 1),
            "numbers": ours.sizes,
        }
        print(name, rows[name])
    case = {"rounds": rounds, "threads": 1, "clock": "CPU time of the process"}
    title = f"one training step, {NETWORK}, images of {SIDE} px, time an image; ratio to SimCLR's"
    write("method_steps", [case, {"title": title, "rows": rows}])


if __name__ == "__main__":
    main()

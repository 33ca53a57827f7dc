"""R25: processes that hold a part of every weight train what those train that hold all of it.

Batch norm is held fixed, as in `test_r25_processes`. Torch divides on CPUs as on GPUs, so it is
tested here; Fabric does it in float32 alone.
"""

import pytest

from reliability import children, gathering
from reliability.children import STEPS, free_port
from reliability.test_r25_processes import BAR, alone, gap, make, together
from tamecrop.learning import checkpoint

METHODS = [
    *("simclr:projector=linear", "simclr:projector=two_layer", "simsiam:hidden=16,dimension=32"),
    *("byol:hidden=32,dimension=16", "moco:hidden=32,dimension=16,queue=40"),
    *("vicreg:hidden=32,dimension=16", "barlow_twins:hidden=32,dimension=16"),
    *("dino:hidden=32,bottleneck=16,prototypes=24", "swav:hidden=32,dimension=16,prototypes=24"),
    *("moco_v3:hidden=32,dimension=16", "emp_ssl:hidden=32,dimension=16,invariance=1"),
]
FSDP = {"strategy": "fsdp", "passes": "joint"}


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_divided_weights_train_as_whole_ones(forks, tmp_path, method, record):
    changes = {"method": method, "passes": "joint"}
    whole = together(forks, make(tmp_path / "whole"), changes)
    divided = together(forks, make(tmp_path / "divided"), {**changes, "strategy": "fsdp"})
    assert len(whole["losses"]) == STEPS
    losses, weights = gap(whole, divided)
    assert max(losses, weights) < BAR
    name = method.partition(":")[0] + ("_linear" if "linear" in method else "")
    name = name.replace("3", "three")  # names of figures have no digits
    said = f"{method}, divided: {STEPS} steps, loss within {losses:.0e}, weights {weights:.0e}"
    record(f"R25.divided_{name}", said, n=STEPS)


@pytest.mark.slow
@pytest.mark.parametrize("more", [{}, {"accumulate": 2}, {"activations": "recompute"}], ids=str)
@pytest.mark.parametrize("optimizer", ["adam", "lars"])
def test_two_processes_with_divided_weights_train_what_one_trains(forks, tmp_path, optimizer, more):
    changes = {"optimizer": optimizer, "learning_rate": 1e-3, "passes": "joint"}
    single = alone(forks, make(tmp_path / "one"), changes)
    pair = together(forks, make(tmp_path / "two"), {**changes, "strategy": "fsdp", **more})
    # Adam divides by the root of a gradient's square: where that is all rounding, so is the step.
    assert max(gap(single, pair)) < (BAR if optimizer == "lars" else 100 * BAR)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["fsdp", "ddp"])
def test_each_process_holds_half_of_weights_and_optimizer(forks, tmp_path, strategy):
    port, plan = free_port(), children.Plan(changes={"strategy": strategy})
    pair = [
        forks.start(
            gathering.train_weighed, tmp_path, plan, environment=children.on_two(rank, port)
        )
        for rank in range(2)
    ]
    for child in pair:
        assert child.wait(240) == 0, child.said()
    held = [gathering.weighed(tmp_path, rank) for rank in range(2)]
    whole = 2 * held[0]["whole"]  # Adam has two numbers for each weight
    total = sum(each["weights"] + each["slots"] for each in held)
    if strategy == "ddp":
        assert total > 1.99 * (held[0]["whole"] + whole)
    else:
        assert 0.99 < total / (held[0]["whole"] + whole) < 1.01
        assert max(each["weights"] for each in held) < 0.6 * held[0]["whole"]


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [("two", "one"), ("one", "two")])
def test_a_run_goes_on_with_other_processes(forks, tmp_path, before, after):
    """Weights, optimizer and momentum network are in the checkpoint as wholes."""
    changes = {"method": "byol:hidden=32,dimension=16", "optimizer": "lars", "learning_rate": 1e-3}
    straight = alone(forks, make(tmp_path / "straight"), {**changes, "passes": "joint"})
    out = make(tmp_path / "moved")
    run = {"one": 1, "two": 2}
    gathering.run_as(forks, out, run[before], {**changes, **FSDP}, at={5: "SIGTERM"}, code=1)
    saved = checkpoint.latest(out / "checkpoints").checkpoint
    assert saved.state["step"] == 5
    gathering.run_as(forks, out, run[after], {**changes, **FSDP}, code=0)
    moved = children.result(out)
    assert len(moved["losses"]) == STEPS
    assert max(gap(straight, moved)) < BAR


@pytest.mark.slow
def test_one_process_divides_nothing(forks, tmp_path):
    plain, chosen = (
        alone(forks, make(tmp_path / name), {"strategy": name}) for name in ("ddp", "fsdp")
    )
    assert gap(plain, chosen) == (0, 0)

"""R7 to R9, R11, R14, R15: stopped, killed or disturbed, a run ends with the same bits."""

import json
import random
import signal
import time
from collections import Counter

import pytest
import torch

from reliability import children
from reliability.children import PER_EPOCH, STEPS, Plan

STOPPED, KILLED = 1, -9  # an exception that nobody catches ends a child with 1


@pytest.fixture(scope="module")
def straight(server, tmp_path_factory):
    """The run that nothing happened to."""
    from reliability.forking import Forks

    out = tmp_path_factory.mktemp("straight")
    child = Forks(tmp_path_factory.mktemp("log")).start(children.train, out)
    assert child.wait() == 0, child.said()
    return children.result(out)


def same(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def stopped_then_finished(forks, out, *plans, function=children.train):
    """Run one plan after the other in the same folder; all but the last are stopped."""
    for plan in plans[:-1]:
        child = forks.start(function, out, plan)
        assert child.wait() == STOPPED, child.said()
        assert "Interrupted: stopped; the same command continues" in child.said()
    child = forks.start(function, out, plans[-1])
    assert child.wait() == 0, child.said()
    return children.result(out)


def steps_written(out):
    return [json.loads(line)["step"] for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_r7_a_stop_changes_no_bit_and_a_forgotten_optimizer_is_seen(forks, straight, tmp_path):
    stop = Plan(at={6: "SIGTERM"})
    assert same(stopped_then_finished(forks, tmp_path / "good", stop, Plan()), straight)
    forgetful = stopped_then_finished(
        forks, tmp_path / "bad", stop, Plan(), function=children.train_forgetfully
    )
    assert not same(forgetful, straight)


@pytest.mark.slow
def test_r7_sigterm_at_any_step_changes_no_bit(forks, straight, tmp_path, record):
    chance = random.Random(7)
    places = [1, PER_EPOCH, STEPS, *(chance.randrange(1, STEPS + 1) for _ in range(10))]
    for case, step in enumerate(places):
        found = stopped_then_finished(
            forks, tmp_path / str(case), Plan(at={step: "SIGTERM"}), Plan()
        )
        assert same(found, straight), f"stopped after step {step}"
    twice = [Plan(at={3: "SIGTERM"}), Plan(at={5: "SIGTERM"}), Plan()]
    assert same(stopped_then_finished(forks, tmp_path / "twice", *twice), straight)
    cases = len(places) + 1
    record("R7", f"{cases}/{cases} stops by SIGTERM: losses and weights bit for bit", n=cases)


@pytest.mark.slow
def test_r7_another_number_of_workers_after_the_stop_changes_no_bit(
    forks, pictures, tmp_path, record
):
    def plan(workers, **more):
        return Plan(data=pictures, changes={"workers": workers}, **more)

    whole = stopped_then_finished(forks, tmp_path / "straight", plan(0))
    parts = [plan(2, at={3: "SIGTERM"}), plan(1, at={6: "group"}), plan(0)]
    assert same(stopped_then_finished(forks, tmp_path / "parts", *parts), whole)
    record("R7.workers", "2, then 1, then 0 workers: bit for bit", n=1)


@pytest.mark.slow
def test_r8_sigkill_at_any_time_changes_no_bit_and_doubles_no_step(
    forks, straight, tmp_path, record
):
    chance = random.Random(8)
    slowly = Plan(at=dict.fromkeys(range(1, STEPS + 1), "sleep"))
    kept = []
    for case in range(10):
        out = tmp_path / str(case)
        child = forks.start(children.train, out, slowly)
        while not (out / "run.json").exists():
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.3 * STEPS))
        child.kill()
        assert child.wait() == KILLED
        kept.append(len(steps_written(out)) if (out / "metrics.jsonl").exists() else 0)
        assert same(stopped_then_finished(forks, out, Plan()), straight)
        assert steps_written(out) == list(range(STEPS))
    assert len(set(kept)) > 1, "the kills must fall into different epochs"
    record("R8", "10/10 kills: same bits, each metric step once", n=10, steps_kept=kept)


def test_r8_curves_that_a_kill_left_behind_are_written_on_the_next_start(forks, tmp_path):
    stopped_then_finished(forks, tmp_path, Plan())
    (tmp_path / "metrics.jsonl").write_text('{"step": 0}\n')
    stopped_then_finished(forks, tmp_path, Plan())
    assert steps_written(tmp_path) == list(range(STEPS))


def ledger_of(forks, folder, *plans, shift=0):
    ledger = folder / "ledger"
    folder.mkdir()
    for plan in plans:
        child = forks.start(children.train_with_ledger, folder / "run", plan, ledger, shift)
        child.wait()
    return ledger.read_text().splitlines()


@pytest.mark.slow
def test_r9_every_sample_once_an_epoch_in_the_uninterrupted_order(forks, tmp_path, record):
    whole = ledger_of(forks, tmp_path / "straight", Plan())
    stops = [Plan(at={step: "SIGTERM"}) for step in (2, 3, 7, 11)]
    assert ledger_of(forks, tmp_path / "stopped", *stops, Plan()) == whole
    epochs = Counter(line.split()[0] for line in whole)
    assert epochs == {"0": PER_EPOCH, "1": PER_EPOCH, "2": PER_EPOCH}
    for epoch in epochs:
        samples = [each for line in whole if line.split()[0] == epoch for each in line.split()[1:]]
        assert len(set(samples)) == len(samples) == 16 * PER_EPOCH
    shifted = ledger_of(forks, tmp_path / "shifted", stops[0], Plan(), shift=1)
    assert shifted != whole
    record("R9", f"3 epochs, 4 stops: {len(whole)}/{len(whole)} steps in order", n=len(whole))


@pytest.mark.slow
@pytest.mark.parametrize("happening", ["SIGTERM", "group"])
def test_r11_a_stop_is_prompt_and_leaves_no_process(forks, pictures, tmp_path, happening, record):
    out = tmp_path / "run"
    plan = Plan(data=pictures, changes={"workers": 2}, at={2: f"sleep {happening}"})
    child = forks.start(children.train, out, plan)
    assert child.wait() == STOPPED, child.said()
    ended = time.monotonic()
    took = ended - float((out / "signaled").read_text())
    assert len(steps_written(out)) <= 4
    assert took < 5 + 2 * 1.0
    left = child.gone_after(10)
    assert child.alive() == []
    record(
        f"R11.{happening.lower()}",
        f"exit {took:.1f} s after the signal, last process gone {left:.1f} s later",
        n=1,
        seconds=round(took, 2),
        seconds_until_gone=round(left, 2),
    )


@pytest.mark.slow
def test_r11_workers_that_die_of_a_signal_to_the_group_are_seen(forks, pictures, tmp_path):
    plan = Plan(data=pictures, changes={"workers": 2}, at={2: "group sleep"})
    child = forks.start(children.train_with_mortal_workers, tmp_path / "run", plan)
    assert child.wait() == STOPPED
    assert "DataLoader worker" in child.said()
    assert "Interrupted" not in child.said()


def test_r11_a_run_that_does_not_stop_is_seen(forks, tmp_path):
    child = forks.start(time.sleep, 60)
    while not child.alive():  # it is not forked yet
        time.sleep(0.01)
    assert child.gone_after(0.3) >= 0.3
    assert child.alive()
    child.kill(signal.SIGKILL)
    assert child.wait() == KILLED


@pytest.mark.slow
def test_r14_foreign_randomness_an_extra_probe_and_silence_change_no_bit(
    forks, straight, tmp_path, record
):
    cases = {"random": "random", "probe": "probe", "both": "random probe"}
    for name, happening in cases.items():
        plan = Plan(at=dict.fromkeys((2, 5, 6), happening))
        assert same(stopped_then_finished(forks, tmp_path / name, plan), straight), name
    noisy = [
        stopped_then_finished(forks, tmp_path / f"noisy{i}", plan, function=children.train_noisily)
        for i, plan in enumerate((Plan(), Plan(at={2: "random"})))
    ]
    assert not same(*noisy), "a step that uses torch's generator must be seen"
    record("R14", "3/3 disturbances change no bit", n=3)


def test_r15_twice_is_equal_and_two_threads_are_near(forks, tmp_path, record):
    # Torch sums the statistics of batch norm in one buffer a thread when memory is channels-last:
    # two threads differ by 5e-6 in float32. Where that turns the sign of a number before a ReLU,
    # the gradient jumps, by 5 % of its largest number in one of 12 steps here, and no bound on
    # rounding holds from there on, at whatever rate. So all steps are compared in float64, where
    # anything but rounding would still be seen, and in float32 the loss of one set of weights.
    plain = {"optimizer": "sgd", "learning_rate": 1e-4, "precision": "64-true"}
    one, again, two, other = (
        stopped_then_finished(forks, tmp_path / name, plan)
        for name, plan in {
            "one": Plan(changes=plain),
            "again": Plan(changes=plain),
            "two": Plan(changes=plain, threads=2),
            "other": Plan(changes={**plain, "learning_rate": 2e-4}),
        }.items()
    )
    assert same(one, again)
    assert furthest(one, two) < 1e-5
    assert furthest(one, other) > 1e-5
    single, double = (first_loss(forks, tmp_path / f"first{n}", threads=n) for n in (1, 2))
    assert abs(single - double) < 1e-5
    record(
        "R15",
        f"twice: equal bits; 1 against 2 threads: {furthest(one, two):.1e} in losses and weights "
        f"after {STEPS} steps of SGD in float64, {abs(single - double):.1e} in a loss in float32",
        n=STEPS,
    )


def first_loss(forks, out, *, threads):
    """Of the untrained weights, in float32."""
    one_epoch = Plan(changes={"optimizer": "sgd", "epochs": 1}, threads=threads)
    return stopped_then_finished(forks, out, one_epoch)["losses"][0].item()


def furthest(one, two):
    """The largest difference in any loss or weight."""
    return max((one[name].double() - two[name].double()).abs().max().item() for name in one)

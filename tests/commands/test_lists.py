"""`tamecrop policies` and `tamecrop recipes`: readable on narrow and on wide terminals."""

import json
import signal
import subprocess
import sys

import numpy as np
import pytest

import tamecrop as tc
from tamecrop.cli import main
from tamecrop.geometry.presets import PRESETS
from tamecrop.learning import methods
from tamecrop.studies.recipes import RECIPES, recipe


def printed(capsys, *words: str) -> str:
    assert main(list(words)) == 0
    return capsys.readouterr().out


def test_every_preset_policy_is_listed_with_source_note_and_defaults(capsys):
    found = {each["name"]: each for each in json.loads(printed(capsys, "policies", "--json"))}
    assert found.keys() == PRESETS.keys()
    text = printed(capsys, "policies")
    for name, each in found.items():
        assert (each["source"], each["note"]) == (PRESETS[name].source, PRESETS[name].note)
        stated = ",".join(f"{key}={value}" for key, value in each["defaults"].items())
        assert tc.policy(f"crop:{stated}") == tc.policy(name)
        assert f"\n{name}\n" in f"\n{text}"


def test_defaults_of_another_policy_would_be_seen(capsys):
    found = {each["name"]: each for each in json.loads(printed(capsys, "policies", "--json"))}
    stated = ",".join(f"{key}={value}" for key, value in found["cgcc"]["defaults"].items())
    assert tc.policy(f"crop:{stated}") != tc.policy("gcc")


def test_every_recipe_is_listed_with_what_is_stated_of_it(capsys):
    found = json.loads(printed(capsys, "recipes", "--json"))
    assert [each["name"] for each in found] == list(RECIPES)
    text = printed(capsys, "recipes")
    for each in found:
        assert each["command"].startswith("tamecrop ")
        assert f"command   {each['command']}\n" in text
        assert all(each[key] for key in ("summary", "paper", "expect", "cost", "policies"))


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipes_method_trains_on_its_policies(name):
    training = recipe(name).training
    for each in recipe(name).policies:
        methods.require_usable(training.method, tc.plan(each), batch_size=training.batch_size)


def test_fixed_cuts_the_papers_sizes():
    """28 of 32 px at 80 % of the area: the nearest pixel would be 29."""
    for each in recipe("fixed").policies:
        drawn = tc.policy(each).draw((32, 32), index=np.arange(50))
        assert {*np.unique(drawn[..., 2:] - drawn[..., :2])} == {28}


@pytest.mark.parametrize("name", ["simclr", "moco", "byol", "dino"])
def test_the_rate_of_lightlys_benchmark_grows_with_the_batch(name):
    training = recipe(name).training
    assert training.optimizer == "sgd"
    assert training.learning_rate == pytest.approx(0.06 * training.batch_size / 128)


def test_a_queue_shorter_than_the_recipes_batch_would_be_refused():
    training = recipe("moco").training
    with pytest.raises(ValueError, match="queue"):
        methods.require_usable("moco:queue=256", tc.plan("rrc"), batch_size=training.batch_size)


@pytest.mark.parametrize("command", ["policies", "recipes"])
@pytest.mark.parametrize("columns", [80, 200])
def test_prose_is_wrapped_to_the_terminal(capsys, monkeypatch, command, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = [line for line in printed(capsys, command).splitlines() if "  command   " not in line]
    assert max(map(len, lines)) <= columns
    assert max(map(len, lines)) > 0.5 * min(columns, 120)


@pytest.mark.parametrize("words", [["policies"], ["policies", "--json"]])
def test_a_reader_that_leaves_is_no_error(words):
    """`tamecrop policies | head -1`."""
    code = "import sys; from tamecrop.cli import main; sys.exit(main(sys.argv[1:]))"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    child = subprocess.Popen([sys.executable, "-c", code, *words], **pipes)
    child.stdout.close()
    assert child.stderr.read() == ""
    child.stderr.close()
    assert child.wait(60) == 128 + signal.SIGPIPE


def test_another_broken_pipe_is_an_error(monkeypatch, capsys):
    def work():
        raise BrokenPipeError("a worker has left")

    monkeypatch.setattr("tamecrop.cli.app.prepare", lambda words: work)
    assert main(["policies"]) == 1
    assert "a worker has left" in capsys.readouterr().err

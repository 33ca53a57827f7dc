"""`tamecrop predict` as a user types it."""

import json

import pytest

from tamecrop.cli import main
from tamecrop.paper.prediction import predict

FIELDS = {"policy", "accuracy", "low", "high", "in_regime", "reason"}


def test_json_is_a_list_in_the_order_of_the_laws(capsys):
    assert main(["predict", "gcc:scale=0.4,alpha=1.5", "rrc", "rc:scale=0.8", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["policy"].partition(":")[0] for each in found] == ["gcc", "rrc", "rc"]
    assert all(set(each) == FIELDS for each in found)
    gcc, rrc, rc = found
    assert 0.5 < gcc["low"] < gcc["accuracy"] < gcc["high"] < 0.75
    assert rc["accuracy"] < gcc["accuracy"]
    assert (rrc["accuracy"], rrc["low"], rrc["high"], rrc["in_regime"]) == (None, None, None, False)


def test_a_table_for_people(capsys):
    assert main(["predict", "gcc:scale=0.4,alpha=1.5", "rrc"]) == 0
    said = capsys.readouterr().out
    accuracy = predict("gcc:scale=0.4,alpha=1.5").accuracy
    assert f"gcc:scale=0.4,alpha=1.5  {100 * accuracy:.1f}  (" in said
    assert "not in regime: views of random area" in said


def test_another_training_gets_a_rank_and_no_number(capsys):
    policies = ["gcc:scale=0.4,alpha=3", "gcc:scale=0.4,sigma=0.01"]
    assert main(["predict", *policies, "--size", "64", "--json"]) == 0
    assert all(not each["in_regime"] for each in json.loads(capsys.readouterr().out))
    assert main(["predict", *policies, "--size", "64", "--rank"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [f"1  {policies[0]}", f"2  {policies[1]}"]
    assert main(["predict", *policies, "--rank", "--json"]) == 0
    assert [each["place"] for each in json.loads(capsys.readouterr().out)] == [1, 2]


BAD = [
    ([], "policies"),
    (["gccc"], "did you mean 'gcc'"),
    (["gcc:scale=2"], "0 < scale <= 1"),
    (["gcc", "gcc"], "must differ"),
    (["gcc", "--size", "0"], "size"),
    (["gcc", "--size", "30x45"], "must be one side"),
    (["gcc", "--jsn"], "did you mean --json"),
]


@pytest.mark.parametrize(("words", "said"), BAD, ids=[" ".join(words) for words, _ in BAD])
def test_wrong_use_is_one_line_and_exit_two(capsys, words, said):
    assert main(["predict", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1

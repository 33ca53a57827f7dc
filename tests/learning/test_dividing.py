"""What divided weights cannot do is refused before any work; the rest is R25."""

import pytest

import tamecrop as tc
from tamecrop.cli import main
from tamecrop.learning.config import Pretraining
from tamecrop.learning.dividing import require_dividable


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"execution": "compiled"}, "ddp unless execution is eager"),
        ({"knn_every": 1}, "ddp unless knn_every is 0"),
        ({"precision": "64-true"}, "ddp with precision 64-true"),
    ],
)
def test_settings_that_need_the_whole_network_are_refused(changes, rule):
    with pytest.raises(ValueError, match=f"`strategy` must satisfy {rule}, got 'fsdp'"):
        Pretraining(strategy="fsdp", **changes)
    assert Pretraining(**changes).strategy == "ddp"


@pytest.mark.parametrize("text", ["ccrop:box=encoder,threshold=0.3", "2of4x rrc"])
def test_plans_that_ask_the_network_are_refused(text):
    with pytest.raises(ValueError, match="ddp where the network chooses boxes or views, as in"):
        require_dividable(tc.plan(text))
    require_dividable(tc.plan("2x rrc"))


def test_an_unknown_strategy_is_one_line(tmp_path, capsys):
    words = ["pretrain", "scenes", "--training.strategy", "deepspeed", "--out", str(tmp_path / "r")]
    assert main(words) == 2
    assert "strategy" in capsys.readouterr().err


def test_it_decides_no_number():
    assert Pretraining(strategy="fsdp").decisive() == Pretraining().decisive()

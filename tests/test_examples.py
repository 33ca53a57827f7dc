"""The worked examples run as they stand."""

import importlib.util
import math
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def outcome_of(name: str):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main()


def test_a_torchvision_pipeline_gives_views():
    assert outcome_of("torchvision_pipeline") == (64, 3, 32, 32)


def test_a_lightly_pipeline_trains_a_step():
    loss = outcome_of("lightly_pipeline")
    assert math.isfinite(loss)
    assert loss > 0

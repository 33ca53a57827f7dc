"""The golden test: what decides every result, as it was when `NUMBERS` got its value.

A change that alters one of these numbers makes results that must not be mixed with older ones.
Raise `NUMBERS` in `tamecrop/version.py` by one, then `python tests/test_numbers.py` adds the new
values to `golden_numbers.json`; it never changes values that are there. Boxes, orders and exact
cuts are compared by hash: they are integers. What floating point decides is compared as stored
values with a tolerance, for it differs in the last bits between machines.
"""

import hashlib
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tamecrop as tc
from tamecrop.data.images import Dataset, ImageSet
from tamecrop.geometry import keys
from tamecrop.geometry.presets import PRESETS
from tamecrop.learning.config import Pretraining
from tamecrop.learning.pretrain import pretrain
from tamecrop.version import NUMBERS
from tamecrop.views.photometric import PHOTOMETRIC, photometric

GOLDEN = Path(__file__).with_name("golden_numbers.json")
TOLERANCE = {"cut resized": 2e-4, "photometric": 2e-4, "loss": 1e-3}
"""Absolute, of stored values: pixels in units of [0, 1], and the contrastive loss, about 3."""

TEXTS = (
    *PRESETS,
    "rc:scale=0.8,rounding=faithful",
    "rc_pad:scale=0.8,padding=5/16",
    "rrc:scale=0.08..1,ratio=0.5..2",
    *(f"gcc:scale=0.6,alpha=2,border={rule}" for rule in ("pad", "recenter", "truncate")),
    "gcc:extent=random,scale=0.2..1,sigma=0.3,border=reflect",
    "2x rrc:scale=0.4..1 + 3x cgcc:scale=0.2,sigma=0.1",
)


def found() -> dict[str, Any]:
    """Every number as the code gives it now."""
    return {
        **{f"boxes {text}": _boxes(text) for text in TEXTS},
        "order": _digest(keys.permutation(1000, seed=3, epoch=2)),
        "cut exact": _digest(_cut(size=None).numpy()),
        "cut exact centered": _digest(_cut(size=None, content="centered").numpy()),
        "cut resized": _projections(_cut(size=12) / 255),
        "cut resized bicubic": _projections(_cut(size=12, interpolation="bicubic") / 255),
        **{f"photometric {name}": _projections(_colors(name)) for name in PHOTOMETRIC},
        "loss of ten steps": _losses(),
    }


def _boxes(text: str) -> str:
    sizes = np.array([[32, 32], [64, 48], [33, 71], [224, 224], [96, 500]])
    drawn = [
        boxes
        for epoch in range(3)
        for boxes in tc.plan(text).draw(
            np.tile(sizes, (40, 1)), seed=7, epoch=epoch, index=np.arange(200) + 1000 * epoch
        )
    ]
    return _digest(*drawn)


def _digest(*arrays: Any) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def _images(count: int = 16, side: int = 24) -> torch.Tensor:
    gray = keys.uniform(11, 0, np.arange(count * 3 * side * side), 0, 0) * 256
    return torch.from_numpy(gray.astype(np.uint8)).reshape(count, 3, side, side)


def _cut(**how: Any) -> torch.Tensor:
    policy = "rrc:scale=0.2..1" if how["size"] else "gcc:scale=0.5,alpha=2"
    boxes = tc.policy(policy).draw((24, 24), seed=1, index=np.arange(16))
    return tc.cut(_images(), boxes, fill=99, **how)


def _colors(name: str) -> torch.Tensor:
    views = torch.stack([_images(side=16), _images(side=16).flip(-1)], dim=1)
    return photometric(name).apply(views, seed=5, epoch=1, index=np.arange(16))


def _projections(views: torch.Tensor) -> list[float]:
    """Two numbers a view: its mean, and its mean under weights that know every place."""
    pixels = views.double().flatten(0, 1).flatten(1)
    weights = torch.from_numpy(keys.uniform(13, 0, np.arange(pixels.shape[1]), 0, 0))
    both = torch.stack([pixels.mean(1), (pixels * weights).mean(1)], dim=1)
    return [round(value, 6) for value in both.flatten().tolist()]


def _losses() -> list[float]:
    images = ImageSet.in_memory(_images(40), labels=torch.arange(40) % 4)
    data = Dataset(
        name="noise",
        train=images,
        validation=images,
        test=images,
        classes=tuple("abcd"),
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
    )
    config = Pretraining(
        backbone="resnet10w16",
        optimizer="adam",
        learning_rate=1e-3,
        epochs=5,
        warmup_epochs=1,
        batch_size=16,
        precision="64-true",  # tells rounding, which a ReLU blows up, from a change
    )
    with tempfile.TemporaryDirectory() as out:
        run = pretrain(data, tc.policy("gcc:scale=0.5,alpha=2"), config, Path(out), seed=2)
    return [round(loss, 6) for loss in run.losses.tolist()]


def changed(stored: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Names of the numbers that are no longer what was stored."""
    return [name for name in stored if name not in now or not _equal(name, stored[name], now[name])]


def _equal(name: str, stored: Any, now: Any) -> bool:
    if isinstance(stored, str) or isinstance(now, str):
        return bool(stored == now)
    within = next(value for start, value in TOLERANCE.items() if name.startswith(start))
    return len(stored) == len(now) and bool(np.allclose(stored, now, rtol=0, atol=within))


def require_golden(golden: Mapping[str, Any], numbers: int, now: Mapping[str, Any]) -> None:
    """Fail, saying what to do, when the numbers are not those of `NUMBERS`."""
    stored = golden.get(str(numbers))
    assert stored is not None, (
        f"NUMBERS is {numbers}, but {GOLDEN.name} has no such entry: "
        "run `python tests/test_numbers.py` to add it"
    )
    differing = changed(stored, now)
    assert not differing, (
        f"these numbers changed and NUMBERS did not: {', '.join(differing)}. If the change is "
        "meant, raise NUMBERS in tamecrop/version.py by one and run `python "
        "tests/test_numbers.py`; results made before can then not be mixed with new ones"
    )
    new = sorted(now.keys() - stored.keys())
    assert not new, (
        f"not in {GOLDEN.name} yet: {', '.join(new)}; run `python tests/test_numbers.py`"
    )


def _golden() -> dict[str, Any]:
    golden: dict[str, Any] = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    return golden


@pytest.fixture(scope="module")
def now() -> dict[str, Any]:
    return found()


def test_numbers_are_those_of_their_number(now):
    require_golden(_golden(), NUMBERS, now)


def test_every_kind_of_change_is_seen(now):
    wrong = {
        name: "0" * 16 if isinstance(value, str) else [2e-3 + value[0], *value[1:]]
        for name, value in now.items()
    }
    assert changed(now, wrong) == list(now)
    assert changed(now, {}) == list(now)
    for name in now:
        said = rf"these numbers changed and NUMBERS did not: {name.split(':')[0]}"
        with pytest.raises(AssertionError, match=said.replace("+", r"\+")):
            require_golden({"1": now}, 1, {**now, name: wrong[name]})


def test_a_raised_number_needs_its_values_and_a_new_name_its_entry(now):
    with pytest.raises(AssertionError, match=r"NUMBERS is 2, but golden_numbers\.json has no such"):
        require_golden({"1": now}, 2, now)
    with pytest.raises(AssertionError, match=r"not in golden_numbers\.json yet: boxes new"):
        require_golden({"1": now}, 1, {**now, "boxes new": "0"})


def test_last_bits_that_machines_differ_in_are_no_change(now):
    near = {
        name: value if isinstance(value, str) else [5e-5 + each for each in value]
        for name, value in now.items()
    }
    assert changed(now, near) == []


def main() -> None:
    """Add what is missing for the present `NUMBERS`; what is stored stays."""
    golden = _golden()
    stored = golden.setdefault(str(NUMBERS), {})
    for name, value in found().items():
        stored.setdefault(name, value)
    lines = [
        f'  "{number}": {{\n'
        + ",\n".join(f"    {json.dumps(name)}: {json.dumps(value)}" for name, value in part.items())
        + "\n  }"
        for number, part in golden.items()
    ]
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    left = changed(stored, found())
    sys.exit(f"NUMBERS {NUMBERS} has other values for {', '.join(left)}" if left else 0)


if __name__ == "__main__":
    main()

"""What a core install does, run by an interpreter that has NumPy, Pillow and tamecrop alone.

`make test-core` makes that interpreter from the built wheel. It has no pytest.
"""

import contextlib
import io
import re
import subprocess
import sys
from importlib.metadata import distributions, metadata
from pathlib import Path

import numpy as np
from PIL import Image

import tamecrop as tc

CORE = {"numpy", "pillow", "tamecrop"}
NEEDS_TORCH = ("transforms", "datasets")
NEEDS_ALL = ("audit", "compare", "load", "predict", "pretrain", "evaluate", "recommend")


def check_what_is_installed() -> None:
    found = {each.metadata["Name"].lower() for each in distributions()} - {"pip", "setuptools"}
    assert found == CORE, found
    assert "site-packages" in tc.__file__, "the installed package, not a checkout"


def check_links_of_the_description() -> None:
    """No page of an index has a folder beside it; addresses in code are none of links."""
    description = metadata("tamecrop").get_payload()
    assert description.startswith("# tamecrop\n"), description[:80]
    links = re.findall(
        r"\]\(([^)]*)\)", re.sub(r"^```.*?^```$", "", description, flags=re.M | re.S)
    )
    assert links, "README has links that are absolute as they stand"
    assert all(link.startswith("https://") for link in links), links


def check_policies_and_plans() -> None:
    boxes = tc.policy("gcc:scale=0.4,alpha=1.5").draw((32, 32), index=[0, 1])
    assert boxes.shape == (2, 2, 4)
    assert tc.plan("2x rrc:scale=0.4..1 @224 + 6x rrc:scale=0.05..0.4 @96").views == 8
    assert 0 < tc.boxes.iou(boxes[:, 0], boxes[:, 1]).min() <= 1
    assert 0 < tc.expectations.pair_law(tc.policy("rc:scale=0.4"), (32, 32)).iou < 1
    assert str(tc.match("gcc:scale=0.4", iou=0.45)) == "gcc:scale=0.4,sigma=0.1308"
    assert len(tc.presets) > 5


def check_cut() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 48, 3)).astype("uint8")
    boxes = tc.policy("gcc:scale=0.4").draw((32, 48), index=[0, 1])
    views = tc.cut(pixels, boxes, size=16)
    assert views.shape == (2, 2, 16, 16, 3)
    pictures = tc.cut([Image.fromarray(each) for each in pixels], boxes, size=16)
    by_pillow = np.array([[np.asarray(view) for view in each] for each in pictures])
    assert np.abs(views.astype(int) - by_pillow).max() <= 1


def check_what_is_missing_is_named_in_one_line() -> None:
    for names, package in ((NEEDS_TORCH, "torch"), (NEEDS_ALL, None)):
        for name in names:
            try:
                getattr(tc, name)
            except ModuleNotFoundError as error:
                line = str(error)
            else:
                raise AssertionError(f"tc.{name} needs more than the core")
            extra = package or line.split("[")[1].split("]")[0]
            assert extra in ("torch", "train"), line
            assert line.endswith(f"is not installed: pip install 'tamecrop[{extra}]'"), line
    code = "from tamecrop.views import Crop"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.endswith("torch is not installed: pip install 'tamecrop[torch]'\n"), done


def check_the_command_line() -> None:
    for words in (["audit", "scenes"], ["--help"], ["policies"]):
        done = subprocess.run(
            [Path(sys.executable).with_name("tamecrop"), *words],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2, done
        assert done.stderr.count("\n") == 1, done.stderr
        assert done.stderr.endswith("is not installed: pip install 'tamecrop[train]'\n"), (
            done.stderr
        )


def check_import_is_quick() -> None:
    code = "from time import perf_counter as now; t = now(); import tamecrop; print(now() - t)"
    times = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(3)]
    assert min(times) < 0.3, times


def main() -> None:
    checks = [check for name, check in globals().items() if name.startswith("check_")]
    for check in checks:
        with contextlib.redirect_stdout(io.StringIO()):
            check()
    sys.stdout.write(f"{len(checks)} passed, 0 failed\n")


if __name__ == "__main__":
    main()

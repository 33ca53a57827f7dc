"""`tamecrop show`: a sheet of the views that crop laws give, for any image or data set."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import PositiveInt

from tamecrop.cli.command import Command, Work, checked_picture, checked_policies, say

if TYPE_CHECKING:
    from torch import Tensor

_LAWS = ("rrc", "rc:scale=0.4", "gcc:scale=0.4,sigma=0.2165")


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:  # noqa: ARG001  one signature
    parser.add_argument("data", type=str, help="an image file, or data as for `compare`")
    parser.add_argument("--policies", nargs="+", default=list(_LAWS), help="crop laws, text form")
    parser.add_argument("--out", type=Path, default=Path("views.png"), help="the PNG to write")
    parser.add_argument("--images", type=PositiveInt, default=5, help="images of a data set")
    parser.add_argument("--size", type=PositiveInt | None, default=None, help="resize views to")
    parser.add_argument("--photometric", type=str, default="none", help="color step: none, ...")
    parser.add_argument("--seed", type=int, default=0, help="key of the draws")


def _prepare(chosen: Namespace, effective: str) -> Work:  # noqa: ARG001  one signature
    from tamecrop.reporting.theme import png
    from tamecrop.reporting.view_grid import Look, sheet_figure
    from tamecrop.views.photometric import photometric

    policies = checked_policies(chosen.policies)
    out = checked_picture(chosen.out)
    step = None if chosen.photometric == "none" else photometric(chosen.photometric)
    look = Look(size=chosen.size, photometric=step, seed=chosen.seed)
    images = _images(chosen.data, chosen.images)

    def work() -> None:
        out.write_bytes(png(sheet_figure(images, policies, look=look)))
        say(f"{out}: {len(policies)} crop laws on {len(images)} images")

    return work


def _images(source: str, count: int) -> list["Tensor"]:
    from tamecrop.data.decode import decode
    from tamecrop.data.sources import load

    path = Path(source)
    if path.is_file() and path.suffix != ".npz":
        return [decode(path)]
    train = load(source).train
    return [train.image(position) for position in range(min(count, len(train)))]


COMMAND = Command("draw the views of crop laws on real images, as one PNG", _declare, _prepare)

"""`tamecrop show`: a sheet of the views that crop policies give, for any image or data set."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import PositiveInt

from tamecrop.cli.command import Command, Work, check_picture, check_plans, say, tell_data
from tamecrop.geometry.plans import read_size

if TYPE_CHECKING:
    from torch import Tensor

    from tamecrop.geometry.boxes import Boxes

_POLICIES = ("rrc", "rc:scale=0.4", "gcc:scale=0.4,sigma=0.2165")


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:  # noqa: ARG001  one signature
    parser.add_argument("data", type=str, help="an image file, or data as for `compare`")
    parser.add_argument(
        "--policies", nargs="+", default=list(_POLICIES), help="crop policies or view plans"
    )
    parser.add_argument("--out", type=Path, default=Path("views.png"), help="the PNG to write")
    parser.add_argument("--images", type=PositiveInt, default=5, help="images of a data set")
    parser.add_argument(
        "--size", type=str | None, default=None, help="side or HxW of the views in pixels"
    )
    parser.add_argument("--photometric", type=str, default="none", help="color step: none, ...")
    parser.add_argument("--seed", type=int, default=0, help="key of the draws")


def _prepare(chosen: Namespace, effective: str) -> Work:  # noqa: ARG001  one signature
    plans = check_plans(chosen.policies)
    size = None if chosen.size is None else read_size(chosen.size)

    from tamecrop.reporting import Look, counted, png, sheet_figure
    from tamecrop.views.photometric import photometric

    out = check_picture(chosen.out, chosen.data)
    step = None if chosen.photometric == "none" else photometric(chosen.photometric)
    images, objects = _read_images(chosen.data, chosen.images)
    if step is not None and (lost := step.left_out(len(images[0]))):
        say(f"color step {chosen.photometric} {lost}")
        step = step.for_channels(len(images[0]))
    look = Look(size=size, photometric=step, seed=chosen.seed)

    def work() -> None:
        figure = sheet_figure(images, plans, look=look, objects=objects)
        out.write_bytes(png(figure))
        say(f"{out}: {counted(len(plans), 'crop policy')} on {counted(len(images), 'image')}")

    return work


def _read_images(source: str, count: int) -> tuple[list["Tensor"], "list[Boxes] | None"]:
    """Some images, and the boxes of the objects on them where these are known."""
    from tamecrop.data.decode import decode
    from tamecrop.data.sources import load

    path = Path(source)
    if path.is_file() and path.suffix.lower() != ".npz":
        return [decode(path)], None
    found = load(source, needs=("pixels", "known_boxes"))
    tell_data(found.account, found.notes)
    train = found.train
    places = range(min(count, len(train)))
    objects = None if train.boxes is None else [train.boxes[place] for place in places]
    return [train.image(place) for place in places], objects


COMMAND = Command("draw the views of crop policies on real images, as one PNG", _declare, _prepare)

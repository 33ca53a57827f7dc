"""Colors of views: flip, jitter, gray, blur, inversion, with parameters of each view's own.

Every parameter is keyed by (seed, epoch, index, view), so a view looks the same whatever batch it
travels in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import kornia.color
import kornia.filters
import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from tamecrop.geometry import Draw, Range, keys, rules
from tamecrop.views.coloring import TURN, Draws, chunks, turn_hue
from tamecrop.views.kernels import send


@dataclass(frozen=True, kw_only=True)
class Photometric:
    """What happens to a view after its crop, in the order of the arguments.

    Relation: torchvision's `RandomHorizontalFlip`, `ColorJitter`, `RandomGrayscale`,
    `RandomInvert` and `GaussianBlur`, on batches; the four parts of the jitter keep one order.

    Args:
        flip: probability of a mirror image.
        jitter: probability of the color jitter.
        brightness: factors are uniform in 1 -+ this.
        contrast: likewise.
        saturation: likewise.
        hue: turns of the color wheel, uniform in -+ this, at most 0.5.
        gray: probability of losing all color.
        invert: probability of the negative.
        blur: probability of a Gaussian blur with a kernel of 3 pixels.
        blur_sigma: its standard deviation in pixels, uniform in this range.

    Raises:
        ValueError: for a probability outside [0, 1], a strength outside its range.
    """

    flip: float = 0.0
    jitter: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    gray: float = 0.0
    invert: float = 0.0
    blur: float = 0.0
    blur_sigma: Range = (0.1, 2.0)

    def __post_init__(self) -> None:
        for name in ("flip", "jitter", "gray", "invert", "blur"):
            rules.ordered(name, (0.0, getattr(self, name)), low=0, high=1)
        for name in ("brightness", "contrast", "saturation"):
            rules.ordered(name, (0.0, getattr(self, name)), low=0, high=1)
        rules.ordered("hue", (0.0, self.hue), low=0, high=0.5)
        rules.positive_range("blur_sigma", self.blur_sigma)

    @property
    def color_steps(self) -> tuple[str, ...]:
        """Names of the steps that happen and are defined for RGB alone."""
        jitter = ("saturation", "hue") if self.jitter > 0 else ()
        return tuple(name for name in (*jitter, "gray") if getattr(self, name) > 0)

    def for_channels(self, channels: int) -> "Photometric":
        """The same without `color_steps` for views that are not RGB; no other draw changes."""
        return self if channels == 3 else replace(self, saturation=0.0, hue=0.0, gray=0.0)

    def left_out(self, channels: int) -> str:
        """What `for_channels` leaves out, in words, or an empty text.

        >>> photometric("simclr").left_out(13)
        'without saturation, hue, gray: the images have 13 channels'
        """
        lost = ", ".join(self.color_steps) if channels != 3 else ""
        return f"without {lost}: the images have {channels} channels" if lost else ""

    def apply(
        self,
        views: Tensor,
        *,
        seed: int = 0,
        epoch: int = 0,
        index: ArrayLike | None = None,
        first_view: int = 0,
    ) -> Tensor:
        """Change the colors of a batch of views.

        Args:
            views: `(N, V, C, h, w)`, uint8, or float in [0, 1], on any device.
            seed: key of the run.
            epoch: key of the pass over the data.
            index: `(N,)` sample indices; `0 .. N - 1` by default.
            first_view: number of the first view, part of its key: the groups of a view plan count
                on from each other, so that no two views of an image look alike by their colors.

        Returns:
            float32 `(N, V, C, h, w)` in [0, 1], without a gradient.

        Raises:
            ValueError: when a step needs RGB and the views have another number of channels.

        >>> photometric("paper").apply(torch.zeros(2, 2, 3, 8, 8, dtype=torch.uint8)).shape
        torch.Size([2, 2, 3, 8, 8])
        """
        finish = Finish(self, seed=seed)
        return finish.apply(views, epoch=epoch, index=index, first_view=first_view)

    def change(self, x: Tensor, draw: Draws) -> None:
        """All steps, in place, on a flat batch `(N, C, h, w)` in [0, 1] with its draws."""
        draw.on_some(x, Draw.FLIP, self.flip, lambda some, _: some.copy_(some.flip(-1)))
        draw.on_some(x, Draw.JITTER, self.jitter, self._jitter)
        draw.on_some(
            x, Draw.GRAY, self.gray, lambda some, _: some.copy_(kornia.color.rgb_to_grayscale(some))
        )
        draw.on_some(x, Draw.INVERT, self.invert, lambda some, _: some.neg_().add_(1))
        draw.on_some(x, Draw.BLUR, self.blur, self._blur)

    def _jitter(self, x: Tensor, draw: Draws) -> None:
        """Relation: Kornia's functions of these names, bit for bit."""
        if self.brightness:
            factor = draw.between(Draw.BRIGHTNESS, 1 - self.brightness, 1 + self.brightness)
            x.mul_(factor).clamp_(0, 1)
        if self.contrast:
            factor = draw.between(Draw.CONTRAST, 1 - self.contrast, 1 + self.contrast)
            gray = kornia.color.rgb_to_grayscale(x) if x.shape[1] == 3 else x
            mean = gray.mean((-3, -2, -1), True)  # before `x`, which `gray` may be, changes
            x.mul_(factor).add_(mean * (1 - factor)).clamp_(0, 1)
        if self.saturation:
            factor = draw.between(Draw.SATURATION, 1 - self.saturation, 1 + self.saturation)
            gray = kornia.color.rgb_to_grayscale(x).mul_(1 - factor)
            x.mul_(factor).add_(gray).clamp_(0, 1)
        if self.hue:
            turn_hue(x, TURN * draw.between(Draw.HUE, -self.hue, self.hue))

    def _blur(self, x: Tensor, draw: Draws) -> None:
        sigma = draw.on_host(
            Draw.BLUR_SIGMA, *self.blur_sigma
        )  # Kornia looks at it there, and sends it
        x.copy_(kornia.filters.gaussian_blur2d(x, 3, sigma[:, None].expand(-1, 2)))


@dataclass(frozen=True)
class Finish:
    """What makes cut views the input of a network: their colors, then mean and deviation.

    A view comes out the same bit for bit, whatever batch it is in, however many threads or worker
    processes are at it.

    Args:
        step: the colors.
        mean: per channel, subtracted; empty: values stay in [0, 1].
        std: per channel, divided by.
        seed: key of the run.
    """

    step: Photometric
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    seed: int = 0

    @torch.no_grad()
    def apply(
        self,
        views: Tensor,
        *,
        epoch: int = 0,
        index: ArrayLike | None = None,
        first_view: int = 0,
        out: Tensor | None = None,
    ) -> Tensor:
        """Finish a batch of views.

        Args:
            views: as for `Photometric.apply`, and so are `epoch`, `index` and `first_view`.
            epoch: key of the pass over the data.
            index: `(N,)` sample indices.
            first_view: number of the first view.
            out: float32 of the views' shape, which is overwritten and returned.

        Returns:
            float32 `(N, V, C, h, w)`, without a gradient.

        Raises:
            ValueError: when a step needs RGB and the views have another number of channels.
        """
        if self.step.color_steps and views.shape[2] != 3:
            steps = ", ".join(self.step.color_steps)
            raise ValueError(f"{steps} need views of 3 channels, got {views.shape[2]}")
        samples = np.arange(len(views)) if index is None else np.asarray(index)
        numbers = first_view + np.arange(views.shape[1])
        states = keys.state(self.seed, epoch, samples[:, None], numbers).ravel()
        if out is None:
            out = torch.empty(views.shape, dtype=torch.float32, device=views.device)
        flat, source = out.flatten(0, 1), views.flatten(0, 1)
        draws, normal = Draws(states, views.device), self._normal(views.device)
        for part in chunks(flat):
            x = flat[part].copy_(source[part])
            if views.dtype == torch.uint8:
                x.div_(255)
            self.step.change(x, draws.of(part))
            if normal is not None:
                x.sub_(normal[0]).div_(normal[1])
        return out

    def _normal(self, device: torch.device) -> tuple[Tensor, Tensor] | None:
        return _per_channel(self.mean, self.std, torch.float32, device) if self.mean else None


_SIMCLR = Photometric(
    flip=0.5, jitter=0.8, brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, gray=0.2
)

PHOTOMETRIC = {
    "none": Photometric(),
    "paper": Photometric(flip=0.5, blur=1.0),
    "paper-jitter": replace(_SIMCLR, blur=1.0),
    "flip": Photometric(flip=0.5),
    "simclr": _SIMCLR,
    "scenes": Photometric(
        jitter=0.8, brightness=0.4, contrast=0.4, saturation=0.4, hue=0.5, gray=0.2, invert=0.5
    ),
}
"""`paper`: arXiv:2504.19824, a mirror image and a blur. `simclr`: Chen et al. 2020, for 32 px,
without blur. `paper-jitter` and `flip` stand between the two, by one step each. `scenes`: for
embedded digits, which have no mirror image but come in any color."""


def photometric(name: str) -> Photometric:
    """The named color step.

    Raises:
        ValueError: for an unknown name, with the nearest known one.
    """
    rules.known("photometric step", name, PHOTOMETRIC)
    return PHOTOMETRIC[name]


def unit(pixels: Tensor) -> Tensor:
    """Pixels as float32 in [0, 1]: uint8 is divided by 255, floats are taken as they are."""
    return pixels.float() / 255 if pixels.dtype == torch.uint8 else pixels.float()


def normalize(pixels: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Subtract the mean and divide by the deviation of each channel, `(..., C, H, W)`."""
    center, spread = _per_channel(mean, std, pixels.dtype, pixels.device)
    return (pixels - center) / spread


def _per_channel(
    mean: Sequence[float], std: Sequence[float], dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Both `(C, 1, 1)`."""
    center, spread = (torch.tensor(part, dtype=dtype)[:, None, None] for part in (mean, std))
    return send(center, device), send(spread, device)

"""Colors of views: flip, jitter, gray, blur, inversion, with parameters of each view's own.

Every parameter is keyed by (seed, epoch, index, view), so a view looks the same whatever batch it
travels in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import kornia.color
import kornia.enhance
import kornia.filters
import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from tamecrop.geometry import Draw, Floats, Range, keys, rules
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
            float32 `(N, V, C, h, w)` in [0, 1].

        Raises:
            ValueError: when a step needs RGB and the views have another number of channels.

        >>> photometric("paper").apply(torch.zeros(2, 2, 3, 8, 8, dtype=torch.uint8)).shape
        torch.Size([2, 2, 3, 8, 8])
        """
        if self.color_steps and views.shape[2] != 3:
            steps = ", ".join(self.color_steps)
            raise ValueError(f"{steps} need views of 3 channels, got {views.shape[2]}")
        samples = np.arange(len(views)) if index is None else np.asarray(index)
        numbers = first_view + np.arange(views.shape[1])
        states = keys.state(seed, epoch, samples[:, None], numbers)
        changed = self._changed(unit(views).flatten(0, 1), _Draws(states.ravel(), views.device))
        return changed.reshape(views.shape)

    def _changed(self, x: Tensor, draw: "_Draws") -> Tensor:
        x = torch.where(draw.happens(Draw.FLIP, self.flip), x.flip(-1), x) if self.flip else x
        x = draw.on_some(x, Draw.JITTER, self.jitter, self._jittered)
        x = draw.on_some(x, Draw.GRAY, self.gray, _grayed)
        x = torch.where(draw.happens(Draw.INVERT, self.invert), 1 - x, x) if self.invert else x
        return draw.on_some(x, Draw.BLUR, self.blur, self._blurred)

    def _jittered(self, x: Tensor, draw: "_Draws") -> Tensor:
        if self.brightness:
            factor = draw.between(Draw.BRIGHTNESS, 1 - self.brightness, 1 + self.brightness)
            x = kornia.enhance.adjust_brightness_accumulative(x, factor)
        if self.contrast:
            factor = draw.between(Draw.CONTRAST, 1 - self.contrast, 1 + self.contrast)
            x = kornia.enhance.adjust_contrast_with_mean_subtraction(x, factor)
        if self.saturation:
            factor = draw.between(Draw.SATURATION, 1 - self.saturation, 1 + self.saturation)
            x = kornia.enhance.adjust_saturation_with_gray_subtraction(x, factor)
        if self.hue:
            angle = 2 * torch.pi * draw.between(Draw.HUE, -self.hue, self.hue)
            x = kornia.enhance.adjust_hue(x, angle)
        return x

    def _blurred(self, x: Tensor, draw: "_Draws") -> Tensor:
        sigma = draw.on_host(
            Draw.BLUR_SIGMA, *self.blur_sigma
        )  # Kornia looks at it there, and sends it
        blurred: Tensor = kornia.filters.gaussian_blur2d(x, 3, sigma[:, None].expand(-1, 2))
        return blurred


def _grayed(x: Tensor, _: "_Draws") -> Tensor:
    gray: Tensor = kornia.color.rgb_to_grayscale(x).expand(-1, 3, -1, -1)
    return gray


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
    center, spread = (
        send(torch.tensor(part, dtype=pixels.dtype), pixels.device)[:, None, None]
        for part in (mean, std)
    )
    return (pixels - center) / spread


class _Draws:
    """Keyed numbers of a flat batch of views, as tensors."""

    def __init__(self, states: keys.State, device: torch.device) -> None:
        self._states = states
        self._device = device

    def _uniform(self, number: int) -> Floats:
        return keys.uniforms(self._states, number)

    def happens(self, number: int, probability: float) -> Tensor:
        return send(self._uniform(number) < probability, self._device)[:, None, None, None]

    def on_some(
        self, x: Tensor, number: int, probability: float, change: Callable[..., Tensor]
    ) -> Tensor:
        """Views with `change(views, draws)` done to those that a draw picks."""
        if probability == 0:
            return x
        if probability == 1:
            return change(x, self)
        rows = np.flatnonzero(self._uniform(number) < probability)
        at = send(rows, self._device)
        return x.index_copy(0, at, change(x[at], _Draws(self._states[rows], self._device)))

    def between(self, number: int, low: float, high: float) -> Tensor:
        return send(self.on_host(number, low, high), self._device)

    def on_host(self, number: int, low: float, high: float) -> Tensor:
        values = low + (high - low) * self._uniform(number)
        return torch.from_numpy(values.astype(np.float32))

"""Means over references of different seeds, and what a reference cannot judge."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tamecrop.audit.reference.judge import RIMS, Agreement, ReferenceAccuracy
from tamecrop.audit.reference.network import Reference

JUDGED = 0.9
"""It judges views with fill while its accuracy on whole images with as much is this share of that
without."""


def average_accuracy(found: Sequence[ReferenceAccuracy]) -> ReferenceAccuracy:
    """The means over references of different seeds on the same images."""
    first = found[0]
    if len(found) == 1 or first.accuracy is None:
        return first

    def average(tables: Sequence[Mapping[str, float]]) -> dict[str, float]:
        return {key: float(np.mean([table[key] for table in tables])) for key in tables[0]}

    return replace(
        first,
        name=f"{len(found)} times {first.name}",
        correct=round(float(np.mean([each.correct or 0 for each in found]))),
        accuracy=float(np.mean([each.accuracy or 0.0 for each in found])),
        crop_accuracy=average([each.crop_accuracy for each in found]),
        padded_accuracy=average([each.padded_accuracy for each in found]),
        references=len(found),
    )


def average_agreement(found: Sequence[Agreement]) -> Agreement:
    """The means over references of different seeds; their spread enters the standard errors."""

    def combine(values: Sequence[float], errors: Sequence[float]) -> float:
        training = np.var(values, ddof=1) / len(values) if len(values) > 1 else 0.0
        return float(np.sqrt(np.mean(np.square(errors)) + training))

    views, pairs = (
        [getattr(each, name) for each in found] for name in ("label_agreement", "pair_agreement")
    )
    return Agreement(
        label_agreement=float(np.mean(views)),
        pair_agreement=float(np.mean(pairs)),
        error=combine(views, [each.error for each in found]),
        pair_error=combine(pairs, [each.pair_error for each in found]),
    )


def explain_unjudged(
    reference: Reference, accuracy: ReferenceAccuracy, content_share: float
) -> str | None:
    """Why a reference cannot judge views with as much fill, or None where it can.

    A network that was not trained on fill gets its mean color there. Whole images with a rim tell
    how much of it the network bears: the one with no more content than the views decides.

    Args:
        reference: the network.
        accuracy: how good it is.
        content_share: mean share of the views that is image.
    """
    if reference.trained_on_fill or accuracy.accuracy is None or content_share > 0.999:
        return None
    contents = {rim: (1 + 2 * rim) ** -2 for rim in RIMS}
    enough = [rim for rim in RIMS if contents[rim] <= content_share] or [RIMS[-1]]
    rim = enough[0]
    padded = accuracy.padded_accuracy[f"{rim:g}"]
    if contents[rim] <= content_share and padded >= JUDGED * accuracy.accuracy:
        return None
    return (
        f"views are {100 * (1 - content_share):.0f} % fill, and the reference recognizes "
        f"{100 * padded:.0f} % of whole images with {100 * (1 - contents[rim]):.0f} % fill "
        f"against {100 * accuracy.accuracy:.0f} % without"
    )

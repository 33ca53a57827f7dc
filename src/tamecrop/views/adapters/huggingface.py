"""Crop policies in data sets of Hugging Face: `OnRows` for `set_transform` and `map`."""

from collections.abc import Mapping
from typing import Any

from tamecrop.views.datasets import OnEntry


class OnRows(OnEntry):
    """A transform of one column of a batch of rows, each row with boxes of its own.

    `set_transform` hands over a dict of lists, whatever is asked for: a crop that is given such a
    list draws one box for all of its images, as torchvision's own do. This one goes row by row.
    The arguments are those of `tamecrop.datasets.OnEntry`, for columns in place of entries.
    """

    def __call__(self, sample: Mapping[str, Any]) -> dict[str, list[Any]]:
        """The batch with views in place of the images.

        Args:
            sample: name of a column to the list of its values.
        """
        counts = {len(column) for column in sample.values()}
        if len(counts) != 1:
            raise ValueError(f"columns must have one length, got {sorted(counts)}")
        rows = [
            super(OnRows, self).__call__(dict(zip(sample, row, strict=True)))
            for row in zip(*sample.values(), strict=True)
        ]
        return {name: [row[name] for row in rows] for name in rows[0]} if rows else dict(sample)

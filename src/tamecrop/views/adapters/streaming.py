"""Crop policies in MosaicML Streaming: `KeyedStream` hands sample and epoch to the crops."""

from typing import Any

import numpy as np

from tamecrop.views.datasets import SampleKey, as_tensor, reading


class KeyedStream:
    """Put before a data set of the host's, whose crops then depend on sample and epoch alone.

    `class KeyedPictures(KeyedStream, Pictures)` of a `class Pictures(StreamingDataset)` of yours:
    `Crop` and `Views`, wherever its `__getitem__` calls them, draw the boxes of
    `policy.draw(size, seed=crop_seed, epoch=..., index=...)` for any number of workers, ranks and
    order of samples. The index is the sample's place in the whole data set, the epoch the host's
    own count.

    Attributes:
        crop_seed: key of the run.
        boxes: name of an entry of the sample that the boxes are put into, int64 `(V, 4)`; None:
            they are not handed back.
    """

    crop_seed: int = 0
    boxes: str | None = None

    def __getitem__(self, at: Any) -> Any:
        """The sample of a place in the whole data set; or a list of them, as the host's."""
        if not isinstance(at, int | np.integer):
            return super().__getitem__(at)  # type: ignore[misc]
        index = int(at) + self.size if at < 0 else int(at)  # type: ignore[attr-defined]
        # The host counts an epoch up when it begins to read it.
        epoch = max(self.next_epoch - 1, 0)  # type: ignore[attr-defined]
        with reading(SampleKey(self.crop_seed, epoch, index)) as key:
            sample = super().__getitem__(index)  # type: ignore[misc]
        return sample if self.boxes is None else {**sample, self.boxes: as_tensor(key.boxes)}

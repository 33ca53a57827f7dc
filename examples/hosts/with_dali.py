"""
NVIDIA DALI: windows for its own decoder and resize
===================================================

The boxes come from an external source; DALI decodes, cuts and resizes. Here on a CPU.
"""

import io

import numpy as np
from matplotlib.figure import Figure
from nvidia.dali import fn, pipeline_def, types
from torchvision.transforms.functional import to_pil_image

import tamecrop as tc
from tamecrop.reporting import Tile, tiles_figure
from tamecrop.views.adapters.dali import Windows, cut


def write_files() -> list[np.ndarray]:
    """Eight scenes, each the bytes of a PNG."""
    scenes, files = tc.load("scenes").train, []
    for number in range(8):
        file = io.BytesIO()
        to_pil_image(scenes.image(number)).save(file, "png")
        files.append(np.frombuffer(file.getvalue(), np.uint8))
    return files


def main() -> Figure:
    """Draw the first samples of a batch, cut by DALI."""
    files = write_files()
    windows = Windows("mgcc:scale=0.4", [(32, 32)] * 8, views=2)

    @pipeline_def(batch_size=4, num_threads=1, device_id=None)
    def views():  # type: ignore[no-untyped-def]  # what DALI reads
        encoded = fn.external_source(
            lambda sample: files[sample.idx_in_epoch], batch=False, dtype=types.UINT8
        )
        image = fn.decoders.image(encoded)
        pair = windows.source()
        cuts = [fn.resize(cut(image, window), size=(32, 32)) for window in pair]
        return image, *cuts, *(part for window in pair for part in window)

    made = [part.as_array() for part in views().run()]
    source, first, second, *corners = made
    boxes = [
        np.concatenate([anchor[:, ::-1], (anchor + shape)[:, ::-1]], axis=1)
        for anchor, shape in (corners[:2], corners[2:])
    ]
    tiles = [
        Tile(source[n], np.stack([box[n] for box in boxes]), (first[n], second[n]))
        for n in range(3)
    ]
    return tiles_figure({"mgcc:scale=0.4": tiles})


if __name__ == "__main__":
    figure = main()

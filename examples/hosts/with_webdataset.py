"""
WebDataset: keys of a shard are keys of the draws
=================================================

A sample's `__key__` decides its boxes, whatever the workers and the shuffle.
"""

import tempfile
from pathlib import Path

import numpy as np
import webdataset as wds
from matplotlib.figure import Figure

import tamecrop as tc
from tamecrop.reporting import Tile, tiles_figure


def write_shard(path: Path) -> None:
    """Eight scenes as PNG."""
    scenes = tc.load("scenes").train
    with wds.TarWriter(str(path)) as shard:
        for number in range(8):
            picture = scenes.image(number).permute(1, 2, 0).numpy()
            shard.write({"__key__": f"{number:06d}", "png": picture})


def main() -> Figure:
    """Draw the first samples of the shard in its order and shuffled."""
    views = tc.transforms.Views("mgcc:scale=0.4", views=2, size=32)
    on_image = tc.datasets.OnEntry(views, "view", index="__key__", boxes="boxes")
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scenes.tar"
        write_shard(path)
        for name, places in (("in order", 1), ("shuffled", 8)):
            dataset = wds.WebDataset(str(path), shardshuffle=False).shuffle(places).decode("pil")
            samples = [*dataset.map(lambda sample: sample | {"view": sample["png"]}).map(on_image)]
            rows[name] = [
                Tile(
                    np.asarray(sample["png"]),
                    np.asarray(sample["boxes"]),
                    tuple(np.asarray(view) for view in sample["view"]),
                )
                for sample in sorted(samples, key=lambda sample: str(sample["__key__"]))[:3]
            ]
    return tiles_figure(rows)


if __name__ == "__main__":
    figure = main()

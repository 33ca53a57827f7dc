"""Tables of images, for tests of sources that are read with `datasets`."""

import io

import numpy as np
from PIL import Image


def picture(number: int) -> bytes:
    """A file, another one for each number."""
    pixels = np.random.default_rng(number).integers(0, 256, (20, 24, 3), np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def table(numbers, *, broken=(), **columns):
    """A table of `datasets` with an image and a label for each number, and columns of texts."""
    import datasets

    rows = [None if n in broken else {"bytes": picture(n), "path": None} for n in numbers]
    kinds = {
        "image": datasets.Image(),
        "label": datasets.ClassLabel(names=["cat", "dog"]),
        **{name: datasets.Value("string") for name in columns},
    }
    values = {"image": rows, "label": [n % 2 for n in numbers], **columns}
    return datasets.Dataset.from_dict(values, features=datasets.Features(kinds))

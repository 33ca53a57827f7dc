"""Files to pixels: every mode, every orientation, one error."""

import numpy as np
import pytest
import torch
from PIL import Image

from tamecrop.data.decode import DecodeError, decode

RED = (255, 0, 0)


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("RGB", RED, RED),
        ("L", 90, (90, 90, 90)),
        ("1", 1, (255, 255, 255)),
        ("RGBA", (255, 0, 0, 0), (0, 0, 0)),
        ("RGBA", (255, 0, 0, 255), RED),
        ("LA", (90, 255), (90, 90, 90)),
        ("CMYK", (0, 255, 255, 0), RED),
    ],
)
def test_every_mode_becomes_rgb(tmp_path, mode, value, expected):
    path = tmp_path / ("a.tiff" if mode == "CMYK" else "a.png")
    Image.new(mode, (5, 3), value).save(path)
    pixels = decode(path)
    assert pixels.shape == (3, 3, 5)
    assert pixels.dtype == torch.uint8
    assert pixels[:, 0, 0].tolist() == list(expected)


def test_sixteen_bits_keep_their_levels(tmp_path):
    ramp = np.linspace(0, 65535, 4096).reshape(64, 64).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    assert len(decode(tmp_path / "ramp.png").unique()) == 256


@pytest.mark.parametrize("orientation", range(1, 9))
def test_cameras_held_sideways_give_upright_images(tmp_path, orientation):
    upright = np.zeros((4, 6, 3), dtype=np.uint8)
    upright[0, :2] = RED
    turned = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.swapaxes(0, 1), 6: np.rot90(upright), 7: np.rot90(upright, 2).swapaxes(0, 1),
        8: np.rot90(upright, 3),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(turned)).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(decode(tmp_path / "a.png").permute(1, 2, 0), upright)


@pytest.mark.parametrize("kept", [0, 10, 60])
def test_a_damaged_file_is_one_error_with_its_path(tmp_path, kept):
    path = tmp_path / "a.png"
    noise = np.random.default_rng(0).integers(0, 255, (30, 30, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DecodeError, match=r"cannot (open|decode) .*a\.png: "):
        decode(path)


def test_an_image_of_too_many_pixels_is_refused(tmp_path, monkeypatch):
    Image.new("RGB", (50, 50)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)
    with pytest.raises(DecodeError, match="50"):
        decode(tmp_path / "a.png")

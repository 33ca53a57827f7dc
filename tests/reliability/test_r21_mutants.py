"""R21: 5,000 mutated files of 11 formats: no crash, no hang, every bad path reported."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from reliability import decoding

SUFFIXES = {
    "JPEG": "jpg", "PNG": "png", "WEBP": "webp", "TIFF": "tiff", "BMP": "bmp", "GIF": "gif",
    "PPM": "ppm", "TGA": "tga", "JPEG2000": "jp2", "PCX": "pcx", "SGI": "sgi",
}  # fmt: skip
FORMATS = tuple(SUFFIXES)
MUTANTS = 5_000
PATIENCE = 240


def sound(name, random):
    """The bytes of a sound file: smooth noise, so that lossy formats have something to do."""
    rough = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(rough).resize((48, 36), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    picture.convert("P" if name == "GIF" else "RGB").save(file, name)
    return file.getvalue()


def mutated(content, random):
    """One of six ways in which files go wrong."""
    data = np.frombuffer(content, dtype=np.uint8).copy()
    n, way = len(data), random.integers(6)
    if way == 0:  # flipped bits, anywhere
        place = random.integers(0, n, random.integers(1, 20))
        data[place] ^= (1 << random.integers(0, 8, len(place))).astype(np.uint8)
    elif way == 1:  # flipped bytes in the header
        place = random.integers(0, min(64, n), random.integers(1, 6))
        data[place] = random.integers(0, 256, len(place))
    elif way == 2:  # truncated
        data = data[: random.integers(0, n)]
    elif way == 3:  # a hole of zeros
        start = random.integers(0, n)
        data[start : start + random.integers(1, 512)] = 0
    elif way == 4:  # a piece lost or doubled
        start, stop = np.sort(random.integers(0, n + 1, 2))
        kept = (data[:start], data[stop:]) if random.random() < 0.5 else (data[:stop], data[start:])
        data = np.concatenate(kept)
    else:  # a run of 255, which many formats read as a length
        start = random.integers(0, n)
        data[start : start + 4] = 255
    return data.tobytes()


def mutants(root, count, seed=21):
    random = np.random.default_rng(seed)
    root.mkdir()
    for number in range(count):
        name = FORMATS[number % len(FORMATS)]
        content = mutated(sound(name, random), random)
        (root / f"{number:05}.{SUFFIXES[name]}").write_bytes(content)
    return root


def checked(forks, root, **options):
    """Exit code, names of the files reported, and everything said, of `data check`."""
    child = forks.start(_check, root, options)
    code = child.wait(PATIENCE)
    lines = child.said().splitlines()
    names = {line.split(":")[0] for line in lines if line[:5].isdigit() and ": " in line}
    return code, names, lines


def _check(root, options):
    decoding.check(root, **options)


def judged(forks, root, tmp_path):
    """What plain Pillow cannot load, in a process of its own."""
    child = forks.start(decoding.judge, root, tmp_path / "judged.json")
    assert child.wait(PATIENCE) == 0, child.said()
    found = json.loads((tmp_path / "judged.json").read_text())
    return set(found["refused"]), found["odd"]


def test_sound_files_of_all_formats_are_read(forks, tmp_path):
    random = np.random.default_rng(0)
    (tmp_path / "sound").mkdir()
    for number, name in enumerate(FORMATS):
        path = tmp_path / "sound" / f"{number:05}.{SUFFIXES[name]}"
        path.write_bytes(sound(name, random))
    code, names, lines = checked(forks, tmp_path / "sound")
    assert (code, names) == (0, set()), lines
    assert any("11 files, 0 unreadable" in line for line in lines)


@pytest.mark.slow
def test_mutants_end_with_a_report(forks, tmp_path, record):
    root = mutants(tmp_path / "mutants", MUTANTS)
    code, names, lines = checked(forks, root)
    refused, odd = judged(forks, root, tmp_path)
    assert code == 1
    assert refused <= names
    assert not odd
    assert not any("Traceback" in line for line in lines)
    assert any(f"5,000 files, {len(names):,} unreadable" in line for line in lines)
    record(
        "R21",
        f"{MUTANTS:,} mutants of {len(FORMATS)} formats: {len(names):,} unreadable, all reported",
        n=MUTANTS,
        formats=len(FORMATS),
        unreadable=len(names),
        unreported=len(refused - names),
    )


def test_a_reader_that_makes_up_what_is_missing_is_seen(forks, tmp_path):
    root = mutants(tmp_path / "mutants", 330)
    strict = checked(forks, root)[1]
    refused, _ = judged(forks, root, tmp_path)
    assert refused <= strict
    lenient = checked(forks, root, lenient=True)[1]
    assert not refused <= lenient

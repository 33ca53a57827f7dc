"""Time of an audit: the geometry of one policy, and whole commands on a folder of photographs.

Run: .venv/bin/python benchmarks/audit.py [FOLDER]

FOLDER holds photographs, such as those of COCO; 9,144 crops of about 300 x 200 px are cut from
them into 16 class folders. The first visit, which decodes every file once, is timed apart.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from common import write
from tamecrop.audit.measures.geometry import measure_drawn
from tamecrop.audit.measures.view_pairs import Shapes, pair_views
from tamecrop.data.decode import decode

IMAGES, REPEATS = 50_000, 3
PHOTOGRAPHS, CLASSES = 9144, 16
POLICIES = ("rc:scale=0.4", "gcc:scale=0.4,sigma=0.2165", "rrc:scale=0.2..1")
COMMANDS = {
    "audit, four policies": [
        "audit", "--policies", "rc:scale=0.4", "gcc:scale=0.4,sigma=0.2165", "cgcc:scale=0.4",
    ],
    "recommend": ["recommend"],
}  # fmt: skip


def sizes() -> np.ndarray:
    """Heights and widths of photographs, all different."""
    return np.random.default_rng(0).integers(200, 600, (IMAGES, 2))


def time_geometry(text: str, of: np.ndarray) -> tuple[float, float]:
    """Wall and CPU seconds of one policy."""
    wall, cpu = time.perf_counter(), time.process_time()
    measure_drawn(pair_views(text), Shapes(of))
    return time.perf_counter() - wall, time.process_time() - cpu


def cut_photographs(source: Path, target: Path) -> None:
    """Crops of about 300 x 200 px of the photographs, all different, into class folders."""
    rng = np.random.default_rng(0)
    found = sorted(path for path in source.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    for number in range(PHOTOGRAPHS):
        place = number % len(found)
        with Image.open(found[place]) as opened:
            image = opened.convert("RGB")
        width, height = rng.integers(260, 340), rng.integers(170, 230)
        scale = max(width / image.width, height / image.height) * rng.uniform(1, 1.4)
        image = image.resize((int(image.width * scale) + 1, int(image.height * scale) + 1))
        x, y = rng.integers(image.width - width + 1), rng.integers(image.height - height + 1)
        folder = target / f"{place % CLASSES:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        image.crop((x, y, x + width, y + height)).save(folder / f"{number}.jpg", quality=90)


def time_command(words: list[str], folder: Path) -> dict[str, float]:
    """Wall and CPU seconds of a command, and those until it says its first line."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "tamecrop", words[0], str(folder), *words[1:]]
        with subprocess.Popen([*command, "--out", out], stdout=subprocess.PIPE) as running:
            running.stdout.readline()
            first = time.perf_counter() - started
            running.communicate()
        if running.returncode:
            raise SystemExit(f"{words} failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime
    return {
        "wall_seconds": round(time.perf_counter() - started, 1),
        "cpu_seconds": round(cpu, 1),
        "seconds_to_first_line": round(first, 2),
    }


def time_photographs(source: Path) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        cut_photographs(source, folder)
        started = time.perf_counter()
        for path in folder.rglob("*.jpg"):
            decode(path)
        visit = time.perf_counter() - started
        found = {name: time_command(words, folder) for name, words in COMMANDS.items()}
        print(visit, found)
    return {
        "title": f"commands on {PHOTOGRAPHS:,} photographs, about 300 x 200 px, {CLASSES} classes",
        "first_visit_seconds": round(visit, 1),
        "commands": found,
    }


def main() -> None:
    photographs = sizes()
    found = {}
    for text in POLICIES:
        wall, cpu = zip(*(time_geometry(text, photographs) for _ in range(REPEATS)), strict=True)
        found[text] = {
            "wall_seconds": statistics.median(wall),
            "cpu_seconds": statistics.median(cpu),
        }
        print(text, found[text])
    parts: list[dict[str, object]] = [
        {
            "title": f"geometry of one policy, {IMAGES:,} sizes",
            "repeats": REPEATS,
            "policies": found,
            "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    ]
    if len(sys.argv) > 1:
        parts.append(time_photographs(Path(sys.argv[1])))
    write("audit", parts)


if __name__ == "__main__":
    main()

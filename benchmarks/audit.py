"""Time of an audit's geometry: one law on 50,000 image sizes, 16 draws of both views.

Run: .venv/bin/python benchmarks/audit.py
"""

import resource
import statistics
import time

import numpy as np

import tamecrop as tc
from common import write
from tamecrop.audit.measures.geometry import drawn_geometry

IMAGES, DRAWS, REPEATS = 50_000, 16, 3
LAWS = ("rc:scale=0.4", "gcc:scale=0.4,sigma=0.2165", "rrc:scale=0.2..1")


def sizes() -> np.ndarray:
    """Heights and widths of photographs, all different."""
    return np.random.default_rng(0).integers(200, 600, (IMAGES, 2))


def took(law: str, of: np.ndarray) -> tuple[float, float]:
    """Wall and processor seconds of one law."""
    wall, processor = time.perf_counter(), time.process_time()
    drawn_geometry(tc.policy(law), of, draws=DRAWS)
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    photographs = sizes()
    found = {}
    for law in LAWS:
        wall, processor = zip(*(took(law, photographs) for _ in range(REPEATS)), strict=True)
        found[law] = {
            "wall_seconds": statistics.median(wall),
            "processor_seconds": statistics.median(processor),
        }
        print(law, found[law])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    part = {
        "title": f"geometry of one law, {IMAGES:,} sizes x {DRAWS} draws",
        "repeats": REPEATS,
        "laws": found,
        "peak_memory_mib": memory,
    }
    write("audit", [part])


if __name__ == "__main__":
    main()

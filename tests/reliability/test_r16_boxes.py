"""R16: whole, positive boxes, inside where promised, for a million images of any size per law."""

import numpy as np
import pytest

import tamecrop as tc
from tamecrop.geometry.text import PARTS

DRAWS, IMAGES = 20, 50_000
LONGEST = 100_000
INSIDE = ("clamp", "truncate", "reflect")


def pair(random, low, high):
    first, second = sorted(random.uniform(low, high, 2))
    return f"{first:.6f}..{second:.6f}"


def spread(random):
    if random.random() < 0.5:
        return f"sigma={np.exp(random.uniform(-7, 1)):.6f}"
    return f"alpha={np.exp(random.uniform(-4, 5)):.6f}"


def border(random, *kinds):
    return f"border={random.choice(kinds or ('pad', 'recenter', *INSIDE))}"


def area(random):
    return f"scale={random.uniform(0.02, 1):.6f}"


def rounding(random):
    return f"rounding={random.choice(['nearest', 'faithful'])}"


FAMILIES = {
    "rc": lambda r: f"rc:{area(r)},{rounding(r)}",
    "rc_pad": lambda r: f"rc_pad:{area(r)},padding={r.uniform(0.01, 3):.4f},{border(r)}",
    "gcc": lambda r: f"gcc:{area(r)},{spread(r)},{border(r)},{rounding(r)}",
    "cgcc": lambda r: f"cgcc:{area(r)},{spread(r)},{rounding(r)}",
    "mgcc": lambda r: f"mgcc:{area(r)},{spread(r)},mean={pair(r, 0, 1)},{border(r)},{rounding(r)}",
    "cmgcc": lambda r: f"cmgcc:{area(r)},{spread(r)},mean={pair(r, 0, 1)}",
    "rrc": lambda r: f"rrc:scale={pair(r, 0.01, 1)},ratio={pair(r, 0.1, 9)}",
    "rrc, Gaussian": lambda r: (
        f"rrc:scale={pair(r, 0.01, 1)},center=gaussian,{spread(r)},{border(r)},{rounding(r)}"
    ),
    "simccrop": lambda r: f"simccrop:scale={pair(r, 0.01, 1)},a={r.uniform(0.05, 3):.4f}",
    "ccrop": lambda r: f"ccrop:a={r.uniform(0.05, 3):.4f},box={pair(r, 0, 1)}",
    "jointcrop": lambda r: f"jointcrop:scale={r.uniform(0.01, 0.5):.4f}..1",
    "iou": lambda r: f"gcc:{area(r)},{spread(r)},{border(r)},pair=iou,iou={pair(r, 0, 1)},tries=2",
    "shared mean and iou": lambda r: (
        f"mgcc:{area(r)},{spread(r)},{border(r)},pair=shared+iou,iou={pair(r, 0, 1)},tries=2"
    ),
    "cast": lambda r: f"cast:scale={pair(r, 0.01, 1)},{spread(r)},tries=2",
    "object": lambda r: f"object:scale={pair(r, 0.01, 1)},dilate={pair(r, 0, 2)}",
}


def sizes_for(policy, random, n):
    """Sizes (height, width), each side log-uniform in 1 .. 100,000, that leave a box of a pixel."""
    sides = np.exp(random.uniform(0, np.log(LONGEST), (2 * n, 2))).astype(np.int64)
    if policy.extent.kind != "fixed":
        return sides[:n]
    real = sides * np.sqrt(policy.extent.scale)
    if policy.rounding.kind == "faithful":
        kept = (real >= 1).all(axis=1)
    else:
        kept = (real.prod(axis=1) >= 0.5) | (sides.min(axis=1) == 1)
    assert kept.sum() >= n, "too few images leave a box"
    return sides[kept][:n]


def objects_for(sizes, random):
    """Boxes with ends anywhere in and around their images; one image in ten has none."""
    ends = np.sort(random.uniform(-0.1, 1.1, (len(sizes), 2, 2)), axis=1) * sizes[:, None, ::-1]
    boxes = ends.reshape(-1, 4)
    boxes[::10] = np.nan
    return boxes


def promises_inside(policy):
    return policy.border.kind in INSIDE or policy.center.kind in ("uniform", "beta")


def broken(boxes, sizes, *, inside):
    """How many boxes break a promise."""
    if boxes.dtype != np.int64 or boxes.shape[::2] != (len(sizes), 4):
        return len(boxes)
    near, far, most = boxes[..., :2], boxes[..., 2:], sizes[:, None, ::-1]
    wrong = (far <= near) | (far - near > most) | (np.abs(near) > 100 * LONGEST)
    if inside:
        wrong |= (near < 0) | (far > most)
    return int(wrong.any(axis=(1, 2)).sum())


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_million_images_of_any_size_keep_every_promise(family, record):
    random = np.random.default_rng(16)
    total = 0
    for seed in range(DRAWS):
        law = FAMILIES[family](random)
        policy = tc.policy(law)
        sizes = sizes_for(policy, random, IMAGES)
        views = policy.needs_views or 1
        objects = objects_for(sizes, random) if policy.needs_boxes else None
        boxes = policy.draw(sizes, views=views, seed=seed, object_boxes=objects)
        assert broken(boxes, sizes, inside=promises_inside(policy)) == 0, law
        total += len(sizes)
    assert total == 1_000_000
    name = "".join(sign for sign in family.lower() if sign.isalpha())
    record(f"R16.{name}", f"{family}: {total:,} images, 0 broken promises", n=total, broken=0)


def test_every_kind_of_part_is_drawn():
    random = np.random.default_rng(16)
    laws = [tc.policy(FAMILIES[family](random)) for family in FAMILIES for _ in range(DRAWS)]
    for part, kinds in PARTS.items():
        assert {getattr(law, part).kind for law in laws} == set(kinds)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda boxes: boxes + 1,
        lambda boxes: boxes - np.array([1, 0, 0, 0]),
        lambda boxes: boxes[..., [2, 1, 0, 3]],
        lambda boxes: boxes.astype(np.float64),
        lambda boxes: boxes.astype(np.int32),
        lambda boxes: boxes * np.array([1, 1, 0, 1]),
    ],
    ids=["shifted", "wider", "reversed", "floats", "32 bits", "empty"],
)
def test_a_broken_promise_is_seen(spoil):
    policy = tc.policy("cgcc:scale=0.5,sigma=0.3")
    sizes = sizes_for(policy, np.random.default_rng(0), 2000)
    boxes = policy.draw(sizes)
    assert broken(boxes, sizes, inside=True) == 0
    assert broken(spoil(boxes), sizes, inside=True) > 0

"""R18: where boxes sit, 100,000 draws in each of 12 configurations, three tests at 1e-6.

Kolmogorov-Smirnov judges the places made continuous (a uniform share of a place's probability is
added, which makes an exact uniform of any finite law), the binomial test the two outermost places,
chi-square the whole table. Each configuration rejects a law one pixel off, on its shorter side (on
5,000 px no test of this size could see a pixel), and a spread five percent off, on its longer.
The laws are written in `references.center_laws`. More of the same, against the package's own
closed forms: `tests/distributions`.
"""

import numpy as np
import pytest

import tamecrop as tc
from references import center_laws, statistics

N = 100_000

CONFIGURATIONS = [
    ("gcc:scale=0.4,sigma=0.2165,border=pad", (32, 32)),
    ("gcc:scale=0.4,sigma=0.2165,border=clamp", (32, 32)),
    ("gcc:scale=0.4,sigma=0.1,border=truncate", (32, 32)),
    ("gcc:scale=0.4,sigma=0.3,border=pad", (1, 1)),
    ("gcc:scale=0.3,sigma=0.1,border=clamp", (3, 5000)),
    ("gcc:scale=0.3,sigma=0.1,border=truncate", (5000, 3)),
    ("gcc:scale=0.3,sigma=0.1,border=recenter", (3, 5000)),
    ("gcc:scale=0.2,sigma=0.153,border=clamp", (500, 375)),
    ("gcc:scale=0.5,sigma=0.05,border=truncate", (1_000_000, 9)),
    ("gcc:scale=0.8,sigma=0.25,border=pad", (17, 224)),
    ("rc:scale=0.4", (3, 5000)),
    ("rc_pad:scale=0.4,padding=0.25", (32, 224)),
]


def law_of(policy, side, crop, stretch=1.0):
    """The law of the near edge, from its definition."""
    if policy.center.kind == "uniform":
        return center_laws.uniform(0, side - crop)
    if policy.center.kind == "padded":
        rim = round(policy.center.padding * side)
        return center_laws.uniform(-rim, side - crop + rim)
    law = center_laws.gaussian(side, crop, policy.center.sigma * stretch)
    if policy.border.kind == "clamp":
        return center_laws.clamped(law, side, crop)
    return center_laws.truncated(law, side, crop) if policy.border.kind == "truncate" else law


def least(edges, law):
    """The least probability that three tests give to edges under a law."""
    probability, first = law
    place = np.clip(edges - first, 0, len(probability) - 1)
    if not (first <= edges.min() and edges.max() < first + len(probability)) and first == 0:
        return 0.0  # an edge where the law has none
    below = np.concatenate([[0.0], np.cumsum(probability)])
    share = np.random.default_rng(1).uniform(size=len(place))
    continuous = np.clip(below[place] + share * probability[place], 0, 1)
    ends = [0, len(probability) - 1]
    return min(
        statistics.ks(continuous, "uniform"),
        *(statistics.binomial((place == end).sum(), N, probability[end]) for end in ends),
        statistics.chi_square(np.bincount(place, minlength=len(probability)), probability),
    )


def drawn(policy, size):
    """Near edges and sides of the boxes, (left, top) and (width, height)."""
    boxes = policy.draw(size, index=np.arange(N), views=1)[:, 0]
    return boxes[:, :2].T, (boxes[0, 2:] - boxes[0, :2]).tolist()


@pytest.mark.slow
@pytest.mark.parametrize(("text", "size"), CONFIGURATIONS)
def test_edges_have_their_law_and_no_other(text, size, record):
    policy = tc.policy(text)
    edges, crops = drawn(policy, size)
    sides = size[::-1]
    found = [
        least(edge, law_of(policy, side, crop))
        for edge, side, crop in zip(edges, sides, crops, strict=True)
    ]
    assert min(found) > statistics.LEVEL
    wide, narrow = int(np.argmax(sides)), int(np.argmin(sides))
    wrong = [least(edges[narrow] + 1, law_of(policy, sides[narrow], crops[narrow]))]
    if policy.center.kind == "gaussian":
        wrong.append(least(edges[wide], law_of(policy, sides[wide], crops[wide], 1.05)))
    assert max(wrong) < statistics.LEVEL
    number = CONFIGURATIONS.index((text, size))
    record(
        f"R18.{'abcdefghijkl'[number]}",
        f"{text} on {size[0]} x {size[1]}: least p {min(found):.2g}; wrong laws below 1e-6",
        n=N,
        least_p=min(found),
        wrong_p=max(wrong),
    )


def test_a_wrong_mass_on_an_atom_alone_is_seen():
    """Five in a hundred thousand places moved to the edge: the table's test may sleep on it."""
    policy, size = tc.policy("gcc:scale=0.4,sigma=0.2165,border=clamp"), (32, 32)
    (edges, _), (crop, _) = drawn(policy, size)
    law = law_of(policy, 32, crop)
    moved = edges.copy()
    moved[np.flatnonzero(edges == 1)[:800]] = 0
    assert least(edges, law) > statistics.LEVEL > least(moved, law)

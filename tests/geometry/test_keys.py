"""Keyed numbers: pure, distinct, uniform, and unrelated between neighboring keys."""

import numpy as np
import pytest

from references.statistics import LEVEL, chi_square, ks
from tamecrop.geometry import keys

N = 100_000
PARTS = ("seed", "epoch", "index", "view", "draw")


def weak(seed, epoch, index, view, draw):
    """A wrong generator: key parts are added up, neighbors walk along a lattice."""
    return (0.5 + (np.add(seed, epoch) + np.add(index, view) + draw) * 0.6180339887) % 1.0


def walk(part, n=N, **fixed):
    """Keys along which one part runs."""
    return dict.fromkeys(PARTS, 3) | fixed | {part: np.arange(n)}


def grid():
    parts = np.arange(3), np.arange(5), np.arange(400), np.arange(3), np.arange(12)
    return np.meshgrid(*parts, indexing="ij", sparse=True)


def repeats(numbers):
    return numbers.size - np.unique(numbers).size


def pair_p(numbers, bins=20):
    """Chi-square of neighboring numbers on a grid of squares."""
    cells = (numbers[:-1] * bins).astype(int) * bins + (numbers[1:] * bins).astype(int)
    counts = np.bincount(cells[::2], minlength=bins**2)
    return chi_square(counts, np.full(bins**2, bins**-2.0))


def test_distinct_keys_give_distinct_numbers():
    assert repeats(keys.uniform(*grid())) == 0
    assert repeats(weak(*grid())) > 0


@pytest.mark.parametrize("part", PARTS)
def test_uniform_along_every_part_of_the_key(part):
    numbers = keys.uniform(**walk(part))
    assert ks(numbers, "uniform") > LEVEL
    assert pair_p(numbers) > LEVEL
    assert pair_p(weak(**walk(part))) < LEVEL


@pytest.mark.parametrize("part", PARTS)
def test_streams_of_neighboring_keys_are_unrelated(part):
    other = "index" if part != "index" else "view"
    first, second = (keys.uniform(**walk(other, **{part: value})) for value in (0, 1))
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / N**0.5
    assert ks((first - second) % 1, "uniform") > LEVEL


def test_bits_are_fair():
    bits = (keys.uniform(**walk("index"))[:, None] * 2.0 ** np.arange(1, 49)).astype(np.int64) & 1
    assert (abs(bits.mean(axis=0) - 0.5) < 5 * 0.5 / N**0.5).all()


def test_split_and_order_do_not_matter():
    order = np.random.default_rng(0).permutation(1000)
    whole = keys.uniform(7, 1, np.arange(1000), 0, 2)
    np.testing.assert_array_equal(keys.uniform(7, 1, order, 0, 2), whole[order])
    parts = [keys.uniform(7, 1, np.arange(a, a + 100), 0, 2) for a in range(0, 1000, 100)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert keys.uniform(7, 1, 5, 0, 2) == whole[5]


def test_shapes_broadcast():
    assert keys.uniform(0, 0, 0, 0, 0).shape == ()
    assert keys.uniform(0, 0, np.arange(4)[:, None], np.arange(3), 0).shape == (4, 3)
    assert keys.normal(0, np.arange(2)[:, None], np.arange(0), 0, 0).shape == (2, 0)


def test_every_64_bit_key_works():
    ends = np.array([-(2**63), -1, 0, 1, 2**63 - 1])
    numbers = keys.uniform(ends, 0, ends[:, None], 0, 0)
    assert repeats(numbers) == 0
    assert ((numbers > 0) & (numbers < 1)).all()


def test_values_stay_what_they_are():
    """Stored results depend on these numbers: a change here breaks every resumed run."""
    expected = [0.45856741997300643, 0.23186452409227776, 0.6537606988414256]
    np.testing.assert_array_equal(keys.uniform(0, 0, [0, 1, 2], 0, 0), expected)


def test_normal_numbers_are_normal():
    numbers = keys.normal(**walk("index"))
    assert ks(numbers, "norm") > LEVEL
    assert ks(numbers * 1.05, "norm") < LEVEL


def test_no_generator_is_touched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the global state is what is watched
    keys.normal(0, 0, np.arange(10), 0, 0)
    keys.permutation(10, seed=0, epoch=0)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002 - the same


@pytest.mark.parametrize("n", [0, 1, 2, 1000])
def test_permutation_holds_every_index_once(n):
    order = keys.permutation(n, seed=0, epoch=0)
    assert order.dtype == np.int64
    np.testing.assert_array_equal(np.sort(order), np.arange(n))


def test_permutation_is_keyed_by_seed_and_epoch():
    first = keys.permutation(50, seed=1, epoch=2)
    np.testing.assert_array_equal(first, keys.permutation(50, seed=1, epoch=2))
    assert (first != keys.permutation(50, seed=1, epoch=3)).any()
    assert (first != keys.permutation(50, seed=2, epoch=2)).any()


def test_permutations_are_equally_likely():
    orders = [keys.permutation(4, seed=0, epoch=epoch) for epoch in range(20_000)]
    codes = np.array(orders) @ 4 ** np.arange(4)
    _, counts = np.unique(codes, return_counts=True)
    assert len(counts) == 24
    assert chi_square(counts, np.full(24, 1 / 24)) > LEVEL


def windows(order, groups, lengths):
    """The most that is held at once: of groups between their first and their last item."""
    first = {group: place for place, group in reversed([*enumerate(groups[order])])}
    last = {group: place for place, group in enumerate(groups[order])}
    events = sorted(
        [(place, lengths[g]) for g, place in first.items()]
        + [(place + 0.5, -lengths[g]) for g, place in last.items()]
    )
    return np.cumsum([length for _, length in events]).max()


def test_an_order_by_groups_holds_no_more_than_it_may():
    lengths = np.array([5, 1, 3, 20, 2, 4, 1, 6])
    groups = np.repeat(np.arange(8), lengths)
    for epoch in range(50):
        order = keys.permutation_by_groups(groups, lengths, 9, seed=1, epoch=epoch)
        assert np.array_equal(np.sort(order), np.arange(42))
        assert windows(order, groups, lengths) <= 20  # one group is longer than the room
        rest = order[groups[order] != 3]
        assert windows(rest, groups, lengths) <= 9
    assert windows(keys.permutation(42, seed=1, epoch=0), groups, lengths) > 20
    whole = keys.permutation_by_groups(groups, lengths, 42, seed=1, epoch=7)
    assert np.array_equal(whole, keys.permutation(42, seed=1, epoch=7))


def test_every_group_and_every_item_of_a_window_may_come_first():
    groups = np.repeat(np.arange(6), 4)
    orders = [
        keys.permutation_by_groups(groups, np.full(6, 4), 8, seed=0, epoch=epoch)
        for epoch in range(2400)
    ]
    counts = np.bincount([order[0] for order in orders], minlength=24)
    assert chi_square(counts, np.full(24, 1 / 24)) > LEVEL

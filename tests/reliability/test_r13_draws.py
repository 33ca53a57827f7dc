"""R13: no draw is ever repeated, over views, images, epochs and what a number is drawn for."""

import numpy as np
import pytest

from tamecrop.geometry import keys
from tamecrop.geometry.draws import Draws
from tamecrop.geometry.keys import Draw

IMAGES, EPOCHS, VIEWS = 12_000, 4, 3
NUMBERS = (Draw.AREA, Draw.X, Draw.MEAN_Y, Draw.AREA + 16 * 9, Draw.X + 10_000, 1000, 1009, 2000)


def repeats(uniform):
    """Numbers that were drawn before, over a whole grid of keys."""
    index, view = np.arange(IMAGES)[:, None], np.arange(VIEWS)
    drawn = np.stack([uniform(epoch, index, view, k) for epoch in range(EPOCHS) for k in NUMBERS])
    return drawn.size - np.unique(drawn).size, drawn.size


def keyed(epoch, index, view, number):
    return keys.uniform(0, epoch, index, view, number)


def test_no_draw_is_repeated(record):
    again, total = repeats(keyed)
    assert (again, total) == (0, IMAGES * EPOCHS * VIEWS * len(NUMBERS))
    record("R13", f"{total:,} draws, {again} repeated", n=total, repeated=again)


OF_POLICIES = [draw for draw in Draw if draw < 1000]


def test_tries_and_redraws_of_a_law_are_draws_of_their_own():
    draws = Draws(keys.state(0, 0, np.arange(50)[:, None], np.arange(2)))
    asked = [
        Draws(draws.states, redraw)(draw, attempt=attempt)
        for redraw in range(5)
        for attempt in range(10)
        for draw in OF_POLICIES
    ]
    assert len(np.unique(asked)) == 5 * 10 * len(OF_POLICIES) * 100
    assert max(OF_POLICIES) < 16, "tries are 16 draws apart"


@pytest.mark.parametrize(
    "forgetful",
    [
        pytest.param(lambda e, i, v, k: keyed(0, i, v, k), id="the epoch"),
        pytest.param(lambda e, i, v, k: keyed(e, i, 0 * v, k), id="the view"),
        pytest.param(lambda e, i, v, k: keyed(e, i % 5000, v, k), id="workers seeded alike"),
        pytest.param(lambda e, i, v, k: keyed(e, i, v, k % 1000), id="what it is drawn for"),
        pytest.param(lambda e, i, v, k: keyed(e + v, i, 0, k), id="key parts added up"),
    ],
)
def test_a_key_that_forgets_is_seen(forgetful):
    assert repeats(forgetful)[0] > 0

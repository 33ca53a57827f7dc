"""
What the network gets
=====================

The same photographs under three crop policies: whole image with the boxes of both views, and the
views. `tamecrop show` writes the same sheet as a PNG.
"""

from matplotlib.figure import Figure

import tamecrop as tc
from tamecrop.reporting import sheet_figure


def main() -> Figure:
    """Draw two embedded scenes under three policies."""
    scenes = tc.load("scenes").train
    images = [scenes.image(place) for place in range(2)]
    plans = [tc.plan(text) for text in ("rrc:scale=0.2..1", "gcc:scale=0.4", "cgcc:scale=0.4")]
    return sheet_figure(images, plans, objects=[scenes.boxes[place] for place in range(2)])


if __name__ == "__main__":
    figure = main()

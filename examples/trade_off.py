"""
What overlap costs
==================

Views that overlap less teach more and break their promise more often. Here the spread of a Gaussian
policy moves, and with it the overlap of a pair; nothing is trained. The embedded scenes have object
boxes, so what both views still show is counted. `tamecrop audit` does this with a page of figures.
"""

from matplotlib.figure import Figure

import tamecrop as tc
from tamecrop.audit.report import draw_trade_off


def main() -> Figure:
    """Audit two policies and their sweeps on 200 scenes."""
    found = tc.audit(
        "scenes:count=400",
        ["gcc:scale=0.4", "cgcc:scale=0.4"],
        current="rrc:scale=0.2..1",
        sweeps=["sigma=0.05:0.4:6"],
        reference="none",
        draws=50,
    )
    for each in found.named:
        shown = 100 * each.preservation.pair_share
        iou = each.geometry.pair_iou_mean
        print(f"{each.policy}: IoU {iou:.2f}, both views show the object in {shown:.0f} % of pairs")
    return draw_trade_off(found)


if __name__ == "__main__":
    figure = main()

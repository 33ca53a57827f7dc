"""Draw the figures of `docs/audit.md` and print its tables, from the files in `results/audit/`.

Run: .venv/bin/python docs/draw_audit.py
"""

from pathlib import Path

from tamecrop.audit.records import Audit, read_at_iou
from tamecrop.audit.report import draw_trade_off
from tamecrop.reporting.jsonfiles import read_json
from tamecrop.reporting.theme import png

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results" / "audit"
AT = (0.5, 0.4, 0.3)
SHOWN = (
    "pair_any_share",
    "pair_share",
    "pair_largest_share",
    "pair_label_agreement",
    "pair_label_agreement_error",
)


def write_share(share: float | None) -> str:
    """A share in percent, or a dash where it was not measured."""
    return "-" if share is None else f"{100 * share:.1f}"


def main() -> None:
    """One figure and one table for each data set."""
    for path in sorted(RESULTS.glob("*.json")):
        audit = read_json(Audit, path)
        (HERE / f"audit_{path.stem}.png").write_bytes(png(draw_trade_off(audit), dpi=80))
        print(f"\n{path.stem}: {audit.seconds:.0f} s, commit {audit.environment.commit}")
        for each in audit.named:
            kept = [write_share(getattr(each.preservation, name)) for name in SHOWN]
            print(f"| `{each.policy}` | {each.geometry.pair_iou_mean:.2f} | {' | '.join(kept)} |")
        for name in audit.measures:
            print(name, *(f"IoU {iou}" for iou in AT), sep=" | ")
            tables = [read_at_iou(audit, iou, name) for iou in AT]
            for curve in dict.fromkeys(curve for table in tables for curve in table):
                values = [
                    f"{100 * table[curve]:.1f}" if curve in table else "-" for table in tables
                ]
                print(f"| `{curve.policy}` by {curve.swept} | {' | '.join(values)} |")


if __name__ == "__main__":
    main()

"""The page of an audit, self-contained."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tamecrop.audit import wording
from tamecrop.audit.figures import draw_coverage, draw_suspects, draw_trade_off, draw_views
from tamecrop.audit.measures.suspicious import Suspect
from tamecrop.audit.records import Audit
from tamecrop.audit.subject import Candidate, Subject
from tamecrop.data.files import write_atomic
from tamecrop.reporting import embedded, page, png

HOW_TO_READ = {
    "trade_off": (
        "What is kept against how different the views are",
        "Right: the two views of an image differ more. Up: more of them still show what the image "
        "stands for. A policy above and to the right of another keeps more at more difference. "
        "The star is the policy in use; a line follows one parameter of the policy of its color.",
    ),
    "coverage": (
        "What is seen",
        "How often a view shows each place of the image, all images laid over each other. Lines "
        "at 25, 50 and 75 %. Of many policies the first eight are drawn, here and below.",
    ),
    "views": (
        "Both views on your images",
        "The colored boxes are the views of one image, to the right what they show; "
        "known objects are dashed. The caption gives the IoU of the contents and how much of the "
        "object that both show most of each view covers.",
    ),
    "suspects": (
        "The most suspicious pairs",
        "Pairs that training would call the same although they share least: the least covered "
        "common object, or else the least similar features, or the least overlap.",
    ),
}


def publish(
    subject: Subject,
    candidates: Sequence[Candidate],
    audit: Audit,
    suspects: Mapping[str, Sequence[Suspect]],
    out: Path,
) -> None:
    """Write the figures and `report.html` of an audit, also of one that stopped on its way.

    Args:
        subject: the images.
        candidates: what was audited.
        audit: the record, with at least one policy.
        suspects: the most suspicious pairs by the name of a candidate.
        out: folder.
    """
    named = [each for each in candidates if each.curve is None]
    figures = {
        "trade_off": draw_trade_off(audit),
        "coverage": draw_coverage(audit),
        "views": draw_views(subject, named, seed=audit.seed),
        "suspects": draw_suspects(subject, named, suspects),
    }
    pictures = {
        name: png(figure, dpi=110) for name, figure in figures.items() if figure is not None
    }
    folder = out / "figures"
    folder.mkdir(exist_ok=True)
    for name, picture in pictures.items():
        write_atomic(folder / f"{name}.png", picture)
    write_atomic(out / "report.html", render_page(audit, pictures).encode())


def render_page(audit: Audit, pictures: Mapping[str, bytes]) -> str:
    """The page as text; images are embedded, nothing is loaded from elsewhere.

    Args:
        audit: with at least one policy.
        pictures: PNG by name of `HOW_TO_READ`; sheets that could not be drawn are left out.
    """
    shown = {name: words for name, words in HOW_TO_READ.items() if name in pictures}
    return page(
        "audit.html",
        audit=audit,
        lead=wording.write_lead(audit),
        verdict=wording.write_verdict(audit),
        columns=wording.list_columns(audit),
        rows=wording.list_rows(audit),
        definitions=wording.list_definitions(audit),
        figures=embedded(shown, dict(pictures)),
        facts=wording.list_facts(audit),
    )

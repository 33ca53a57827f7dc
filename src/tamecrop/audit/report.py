"""The page of an audit, self-contained."""

from tamecrop.audit import wording
from tamecrop.audit.figures import coverage_figure, trade_off_figure
from tamecrop.audit.pictures import suspects_figure, views_figure
from tamecrop.audit.plan import Outcome, Plan
from tamecrop.data.files import write_atomic
from tamecrop.geometry.policy import policy
from tamecrop.reporting.html import embedded, page
from tamecrop.reporting.theme import png

HOW_TO_READ = {
    "trade_off": (
        "What is kept against how different the views are",
        "Right: the two views of an image differ more. Up: more of them still show what the image "
        "stands for. A law above and to the right of another keeps more at more difference. The "
        "star is the law in use; a line follows one parameter of the law of its color.",
    ),
    "coverage": (
        "What is seen",
        "How often a view shows each place of the image, all images laid over each other. Lines "
        "at 25, 50 and 75 %.",
    ),
    "views": (
        "Both views on your images",
        "The red and the blue box are the two views of one image, to the right what they show; "
        "known objects are dashed. The caption gives the IoU of the contents and how much of the "
        "object that both show most of each view covers.",
    ),
    "suspects": (
        "The most suspicious pairs",
        "Pairs that training would call the same although they share least: the least covered "
        "common object, or else the least similar features, or the least overlap.",
    ),
}


def publish(plan: Plan, outcome: Outcome) -> None:
    """Write the figures and `report.html` of an audit, also of one that stopped on its way."""
    pictures = _pictures(plan, outcome)
    folder = plan.out / "figures"
    folder.mkdir(exist_ok=True)
    for name, picture in pictures.items():
        write_atomic(folder / f"{name}.png", picture)
    write_atomic(plan.out / "report.html", audit_html(outcome, pictures).encode())


def audit_html(outcome: Outcome, pictures: dict[str, bytes]) -> str:
    """The page as text; images are embedded, nothing is loaded from elsewhere.

    Args:
        outcome: an audit with at least one law.
        pictures: PNG by name of `HOW_TO_READ`; sheets that could not be drawn are left out.
    """
    audit = outcome.audit
    shown = {name: words for name, words in HOW_TO_READ.items() if name in pictures}
    return page(
        "audit.html",
        audit=audit,
        lead=wording.lead(audit),
        verdict=wording.verdict(audit),
        columns=wording.columns(audit),
        rows=wording.rows(audit),
        definitions=wording.definitions(audit),
        figures=embedded(shown, pictures),
        facts=wording.facts(audit),
    )


def _pictures(plan: Plan, outcome: Outcome) -> dict[str, bytes]:
    audit, subject = outcome.audit, plan.subject
    laws = [policy(law.policy) for law in audit.named]
    suspects = [outcome.suspects.get(str(law), ()) for law in laws]
    figures = {
        "trade_off": trade_off_figure(audit),
        "coverage": coverage_figure(audit),
        "views": views_figure(subject, laws, seed=plan.seed),
        "suspects": suspects_figure(subject, laws, suspects),
    }
    return {name: png(figure, dpi=110) for name, figure in figures.items() if figure is not None}

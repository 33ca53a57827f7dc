"""What an audit says, in sentences and table rows that a newcomer can read."""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from tamecrop.audit.records import Audit, Audited, Race, read_at_iou
from tamecrop.reporting import color, interval_words, percent, points, spell_time, spread

WORDS = {
    "pair_share": "pairs that show the same object",
    "pair_label_agreement": "pairs that keep the label",
    "pair_similarity": "cosine between the views",
}

DEFINITIONS = (
    ("IoU", "Intersection over union of the two views' contents, the parts inside the image."),
    ("Zero overlap", "Share of pairs whose contents have no pixel in common."),
    ("Content", "Mean share of a view that is image; the rest is fill."),
    ("Empty", "Share of views that show nothing of the image."),
    ("Area", "Mean area of the boxes as a share of the image, and what the policy's text states."),
    ("Placements", "Effective number of distinct boxes on images of the commonest size: the "
     "exponential of the entropy of the box."),
)  # fmt: skip

BOXES = (
    ("Object in view", "Share of views that cover at least {share} of the area of some object; "
     "images without an object are left out."),
    ("An object in both", "Share of pairs in which both views cover at least that much of some "
     "object, perhaps of different ones."),
    ("Object in both", "Share of pairs in which both views cover at least that much of one and "
     "the same object. An object is its box, also where the box is that of a mask."),
    ("Largest in both", "Share of pairs in which both views cover at least that much of the "
     "image's largest object."),
    ("False positives", "Share of pairs that show no common object: the two views show "
     "different objects, or one shows none."),
)  # fmt: skip

LABELS = (
    ("Label kept", "Share of views to which the reference gives the class of the whole image, "
     "among images that it classifies rightly when whole. Views are resized to its input; fill is "
     "black, for a pretrained reference its mean color. The error is over images and, with "
     "several references, over their training."),
    ("Label kept by both", "The same of both views of a pair."),
)  # fmt: skip

FEATURES = (
    ("Cosine", "Mean cosine between the reference's features of the two views, and of a view and "
     "the whole image."),
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One line of the table, as text."""

    policy: str
    color: str
    current: bool
    cells: tuple[str, ...]


def list_columns(audit: Audit) -> tuple[str, ...]:
    """Headings of the table after the policy's own: geometry, then what was measured."""
    heads = ["IoU", "Zero overlap", "Content", "Empty", "Area (stated)", "Placements"]
    if "pair_share" in audit.measures:
        heads += [
            "Object in view",
            "An object in both",
            "Object in both",
            "Largest in both",
            "False positives",
        ]
    if "pair_label_agreement" in audit.measures:
        heads += ["Label kept", "Label kept by both"]
    if "pair_similarity" in audit.measures:
        heads += ["Cosine"]
    return tuple(heads)


def list_rows(audit: Audit) -> tuple[Row, ...]:
    """The table of an audit, one row a named policy."""
    return tuple(
        Row(each.name, color(place), each.name == audit.current, _write_cells(audit, each))
        for place, each in enumerate(audit.named)
    )


def _write_cells(audit: Audit, each: Audited) -> tuple[str, ...]:
    shape, kept = each.geometry, each.preservation
    stated = "" if shape.stated_area is None else f" ({percent(shape.stated_area)})"
    cells = [
        f"{shape.pair_iou_mean:.2f}",
        percent(shape.pair_iou_zero_share),
        percent(shape.content_share_mean),
        percent(shape.empty_share),
        percent(shape.realized_area_mean) + stated,
        "" if shape.placements is None else f"{shape.placements:,.0f}",
    ]
    if "pair_share" in audit.measures:
        shares = (
            kept.object_share,
            kept.pair_any_share,
            kept.pair_share,
            kept.pair_largest_share,
            kept.false_positive_share,
        )
        cells += [percent(share or 0.0) for share in shares]
    if "pair_label_agreement" in audit.measures:
        cells += [
            _write_share(kept.label_agreement, kept.label_agreement_error),
            _write_share(kept.pair_label_agreement, kept.pair_label_agreement_error),
        ]
    if "pair_similarity" in audit.measures:
        alike = kept.pair_similarity
        cells += ["not judged" if alike is None else f"{alike:.2f}"]
    return tuple(cells)


def _write_share(share: float | None, error: float | None) -> str:
    """A share of labels with its standard error, or why there is none."""
    return "not judged" if share is None else f"{percent(share)} ± {percent(error or 0.0)}"


def list_definitions(audit: Audit) -> tuple[tuple[str, str], ...]:
    """What each number of the table means."""
    share = f"{100 * audit.threshold:g} %"
    boxes = tuple((name, text.format(share=share)) for name, text in BOXES)
    return (
        *DEFINITIONS,
        *(boxes if "pair_share" in audit.measures else ()),
        *(LABELS if "pair_label_agreement" in audit.measures else ()),
        *(FEATURES if "pair_similarity" in audit.measures else ()),
    )


def write_lead(audit: Audit) -> str:
    """One sentence on what was looked at."""
    has = [f"{audit.images:,} images" if audit.images > 1 else "1 image"]
    if audit.objects is not None:
        has.append(f"{audit.objects:,} object boxes on {audit.boxed_images:,} of them")
    if audit.classes is not None:
        has.append(f"{audit.classes} classes")
    return (
        f"{', '.join(has)}. Nothing was trained on crops: this page says what each policy does to "
        "these images, not which one a network learns most from."
    )


def write_verdict(audit: Audit) -> tuple[str, ...]:
    """What came out: each policy against the one in use, by diversity and preservation."""
    first = audit.of(audit.current)
    if not audit.measures:
        unknown = "No boxes, labels or reference: only the geometry of the policies is known."
        return (unknown, *say_fallbacks(audit))
    name = audit.measures[0]
    opening = (
        f"{first.name}, the policy in use: mean IoU {first.geometry.pair_iou_mean:.2f}, "
        f"{WORDS[name]} {_write_measure(first, name)}."
    )
    return (
        opening,
        *(_compare(each, first, name) for each in audit.named if each is not first),
        *_compare_at_iou(audit, first.geometry.pair_iou_mean, name),
        *say_fallbacks(audit),
    )


def say_fallbacks(audit: Audit) -> tuple[str, ...]:
    """One sentence on each policy whose views or pairs are often not what it states."""
    return tuple(
        f"{each.name}: {percent(share)} % {words} instead."
        for each in audit.named
        for name, words in _FALLBACKS.items()
        if (share := getattr(each.geometry, name) or 0) >= 0.01  # seldom is no news
    )


_FALLBACKS = {
    "fallback_share": "of views find no stated box that fits the image, and show its middle",
    "missed_band_share": "of pairs miss the band of IoU asked for, and are the nearest of tries",
}


def _compare_at_iou(audit: Audit, iou: float, name: str) -> tuple[str, ...]:
    """One sentence on the curves that reach the diversity of the policy in use."""
    found = [(curve, value) for curve, value in read_at_iou(audit, iou, name).items()]
    if not found:
        return ()
    best = sorted(found, key=lambda each: -each[1])
    values = ", ".join(
        f"{curve.policy} by its {curve.swept} {write_number(value, name)}" for curve, value in best
    )
    return (f"At the same IoU of {iou:.2f}, {WORDS[name]}: {values}.",)


def _compare(other: Audited, first: Audited, name: str) -> str:
    apart = other.geometry.pair_iou_mean - first.geometry.pair_iou_mean
    kept, base = (getattr(each.preservation, name) for each in (other, first))
    if kept is None:
        return f"{other.name}: the reference did not judge its views, see the notes."
    gap = f"{kept - base:+.2f}" if name == "pair_similarity" else f"{points(kept - base)} points"
    return (
        f"{other.name}: views more {'alike' if apart > 0 else 'different'} (IoU "
        f"{other.geometry.pair_iou_mean:.2f}), {WORDS[name]} {_write_measure(other, name)} ({gap})."
    )


def _write_measure(each: Audited, name: str) -> str:
    return write_number(getattr(each.preservation, name), name)


def write_number(value: float, name: str) -> str:
    """A measure of preservation in words: cosines with two decimals, shares in percent."""
    return f"{value:.2f}" if name == "pair_similarity" else f"{percent(value)} %"


def list_reference(audit: Audit) -> tuple[tuple[str, str], ...]:
    """How good the reference is by itself, so that its errors are not taken for lost labels."""
    known = audit.reference
    if known is None:
        return ()
    facts = [("Reference", f"{known.name}, for views of {known.side} px")]
    facts.append(("Evaluated on", f"{known.images:,} images that it has not learned from"))
    if known.accuracy is not None:
        on_crops = ", ".join(
            f"{percent(accuracy)} % on {crops}" for crops, accuracy in known.crop_accuracy.items()
        )
        padded = ", ".join(
            f"{percent(accuracy)} % with a rim of {100 * float(rim):g} %"
            for rim, accuracy in known.padded_accuracy.items()
        )
        facts.append(("Its accuracy", f"{percent(known.accuracy)} % on whole images, {on_crops}"))
        facts.append(("On whole images with fill", padded))
    return tuple(facts)


def list_facts(audit: Audit) -> tuple[tuple[str, str], ...]:
    """Where and how the numbers were made."""
    here = audit.environment
    shape = audit.policies[0].geometry
    exact = ", ".join(shape.closed_form) or "none"
    return (
        ("Data", f"{audit.data}, {audit.sizes} image sizes"),
        ("Drawn", f"{shape.pairs:,} pairs a policy, seed {audit.seed}"),
        ("Exact for the policy in use", exact),
        *list_reference(audit),
        ("Time", f"{audit.seconds:.0f} s"),
        ("Hardware", f"{here.hardware}, {here.cores} cores, {here.threads} threads"),
        ("Versions", ", ".join(f"{name} {value}" for name, value in here.versions.items())),
        ("Commit", here.commit or "not run from a checkout"),
    )


def say_winner(race: Race, current: str) -> str:
    """What the policy that is left reaches, on seeds that did not choose it."""
    (best,), seeds = race.left, len(next(iter(race.fresh.values())))
    mean, deviation = statistics.fmean(race.fresh[best]), spread(race.fresh[best]) or 0.0
    verb = "Keep" if best == current else "Use"
    rounds = len(race.accuracy[best])
    words = (
        f"{verb} {best}: of {len(race.accuracy)} policies it is the most accurate on "
        f"{race.validation_images:,} validation images after {race.epochs} epochs, told from the "
        f"others by {rounds} paired seeds. With {seeds} seeds that did not choose it: "
        f"{percent(mean)} ± {percent(deviation)} %"
    )
    gap = "" if race.gap is None else f", {interval_words(race.gap)} points to {current}"
    return f"{words}{gap}. {_word_images(race, mean)}"


def say_open(race: Race, means: Mapping[str, float], budget: float) -> str:
    """Why no policy is named, and how long naming one would take."""
    if not race.epochs:
        return (
            f"Cannot tell in this time: the seeds of {len(race.left)} policies take about "
            f"{spell_time(race.needed or 0)} with one epoch each; the budget is "
            f"{spell_time(budget)}."
        )
    order = sorted(race.left, key=lambda each: -means[each])
    left = ", ".join(f"{each} ({percent(means[each])} %)" for each in order)
    dropped = ", ".join(policy for policy in race.accuracy if policy not in race.left)
    words = (
        f"Cannot tell in this time: after {len(race.accuracy[order[0]])} seeds of {race.epochs} "
        f"epochs any of these may be the most accurate on {race.validation_images:,} validation "
        f"images: {left}"
    )
    words += f"; not {dropped}." if dropped else "."
    if race.needed is None:
        return f"{words} The two highest are too close to say how long it would take."
    return (
        f"{words} If the two highest are as far apart as it seems, telling them takes about "
        f"{spell_time(race.needed)}."
    )


def _word_images(race: Race, mean: float) -> str:
    """How much other validation images would move a gap, at most."""
    blur = 1.96 * math.sqrt(2 * mean * (1 - mean) / race.validation_images)
    return f"Seeds say nothing of other images: those may move a gap by {100 * blur:.1f} points."

"""Audit crop policies: geometry first, then what their views still show, written at every step."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import ArrayLike

from tamecrop.audit.measures.geometry import measure_geometry
from tamecrop.audit.measures.objects import THRESHOLD, ObjectShares, measure_objects
from tamecrop.audit.measures.suspicious import (
    Suspect,
    find_by_features,
    find_by_objects,
    find_by_overlap,
)
from tamecrop.audit.measures.view_pairs import Shapes
from tamecrop.audit.prepare import CURRENT, Job, Settings, Views, prepare
from tamecrop.audit.records import FORMAT, Audit, Audited, Preservation
from tamecrop.audit.reference.choose import Evaluation, prepare_evaluation
from tamecrop.audit.reference.judge import Evaluator, ViewFeatures
from tamecrop.audit.reference.train import average_accuracy, average_agreement, explain_unjudged
from tamecrop.audit.subject import Candidate, Images, find_subject
from tamecrop.geometry import Policy, ViewPlan
from tamecrop.learning import one_thread
from tamecrop.reporting.environment import environment
from tamecrop.reporting.jsonfiles import write_json

Report = Callable[[str], None]


def audit(  # noqa: PLR0913  the front door: one word a setting
    images: Images,
    policies: Views | Sequence[Views],
    *,
    current: Views = CURRENT,
    labels: ArrayLike | None = None,
    boxes: Sequence[ArrayLike] | None = None,
    sweeps: Sequence[str] = (),
    coverage: float = THRESHOLD,
    reference: str = "auto",
    draws: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    report: Report = lambda _: None,
) -> Audit:
    """Measure what crop policies do to images, without training on crops.

    Args:
        images: a name or path as for `load`; a Dataset; uint8 `(N, C, H, W)`; or a list of uint8
            images `(C, H, W)` of any sizes, or of files.
        policies: policies or view plans, one or several.
        current: the policy in use today, to which the others are compared.
        labels: `(N,)` whole numbers, for arrays and lists.
        boxes: the object boxes `(k, 4)` of each image in pixels, for arrays and lists.
        sweeps: each `key=low:high:count`, for every policy that has the key.
        coverage: share of an object that a view must cover to show it, in (0, 1].
        reference: the network that judges views: `auto`, `none`, `small`, `torchvision:NAME`,
            `timm:NAME`, `run:FOLDER`.
        draws: pairs of each image; by default as many as make 40,000 pairs.
        seed: key of every draw.
        out: folder for `audit.json`, figures and page; None writes nothing.
        report: called with one line when a step begins.

    Returns:
        The record, as in `audit.json`.

    Raises:
        ValueError: for a wrong setting, or images or a reference that cannot be had.

    >>> import tamecrop as tc
    >>> pixels = np.zeros((4, 3, 32, 32), dtype=np.uint8)
    >>> found = audit(pixels, "gcc:scale=0.4,sigma=0.2", reference="none", draws=10)
    >>> [each.policy for each in found.policies]
    ['rrc:scale=0.2..1', 'gcc:scale=0.4,sigma=0.2']
    """
    settings = Settings(
        current=current,
        sweeps=sweeps,
        coverage=coverage,
        reference=reference,
        draws=draws,
        seed=seed,
    )
    several = [policies] if isinstance(policies, (str, Policy, ViewPlan)) else policies
    seen = find_subject(images, labels=labels, boxes=boxes, seed=seed)
    return run(prepare(seen, several, settings, out=out), report=report)


def run(job: Job, *, report: Report = lambda _: None) -> Audit:
    """Audit every policy; write `audit.json` after each step, figures and page at the end.

    The geometry of all policies is written before a reference is made, and the page is also made
    of what there is when a later step fails. Without a folder nothing is written.

    Args:
        job: from `prepare`.
        report: called with one line when a step begins.

    Raises:
        ValueError: when the reference cannot be had or the images cannot be read.
    """
    steps = _Steps(job, report)
    try:
        steps.measure_geometry()
        steps.measure_objects()
        with one_thread():  # threads of torch that wait for each other are slow on a busy machine
            steps.run_reference()
    finally:
        if steps.audit.policies and job.out is not None:
            from tamecrop.audit.report import publish

            report("figures and page")
            publish(job.subject, job.candidates, steps.audit, steps.suspects, job.out)
    return steps.audit


class _Steps:
    """An audit on its way."""

    def __init__(self, job: Job, report: Report) -> None:
        self.job, self.report = job, report
        self.started = time.perf_counter()
        self.shapes = Shapes.of(job.subject.images, job.subject.index)
        self.audit = _start(job)
        self.suspects: dict[str, tuple[Suspect, ...]] = {}

    def measure_geometry(self) -> None:
        """The geometry of every policy, on the real sizes."""
        settings, candidates = self.job.settings, self.job.candidates
        count = len(self.shapes.sizes)
        found = []
        for place, each in enumerate(candidates):
            self.report(f"geometry on {count:,} images: policy {place + 1} of {len(candidates)}")
            shape = measure_geometry(
                each.views,
                self.shapes,
                draws=settings.draws,
                seed=settings.seed,
                placements=settings.placements and each.curve is None,
            )
            if each.curve is not None:
                shape = replace(shape, coverage_map=None)
            text = str(each.views)
            found.append(Audited(text, each.plan, each.curve, each.swept, shape, Preservation()))
        self._write(policies=tuple(found))

    def measure_objects(self) -> None:
        """Whether views show the objects, where the data has boxes."""
        if self.shapes.object_boxes is None:
            return
        self.report("objects in views")
        shares = [self._share_objects(each) for each in self.job.candidates]
        known = [each for each in shares if each is not None]
        if not known:
            self._note("no image has an object box: shares of objects were left out")
            return
        self.audit = replace(self.audit, boxed_images=known[0].images, objects=known[0].objects)
        self._add([_preserve_objects(each) for each in known])
        for each in self._list_named():
            found = find_by_objects(each.views, self.shapes, seed=self.job.settings.seed)
            self.suspects[each.name] = found

    def run_reference(self) -> None:
        """What a reference says of the views, where there is one."""
        job = self.job
        found = prepare_evaluation(job.choice, job.subject, report=self.report, note=self._note)
        if found is not None:
            self._evaluate(found)
        for each in self._list_named():
            if each.name not in self.suspects:
                overlap = find_by_overlap(each.views, self.shapes, seed=job.settings.seed)
                self.suspects[each.name] = overlap

    def _evaluate(self, found: Evaluation) -> None:
        first = found.evaluators[0]
        accuracy = average_accuracy([each.measure_accuracy() for each in found.evaluators])
        self.audit = replace(self.audit, reference=accuracy)
        if self.job.choice.named.kind == "small" and accuracy.references == 1:
            self._note("one reference was trained: the errors leave its training out")
        figures: list[dict[str, float]] = []
        for place, each in enumerate(self.job.candidates):
            needed = self.job.needs_reference
            if needed is not None and not needed(self.audit, self.audit.policies[place]):
                figures.append({})
                continue
            self.report(f"{first.reference.name}: policy {place + 1} of {len(self.job.candidates)}")
            views = [
                evaluator.evaluate(each.views, most=found.most, seed=self.job.settings.seed)
                for evaluator in found.evaluators
            ]
            share = self.audit.policies[place].geometry.content_share_mean
            unjudged = explain_unjudged(first.reference, accuracy, share)
            if unjudged is not None:
                self._note(f"{each.name}: the label was left out: {unjudged}")
            figures.append(_preserve_features(found.evaluators, views, judged=unjudged is None))
            if each.curve is None and found.places is not None:
                self.suspects.setdefault(each.name, find_by_features(views[0], found.places))
        if skipped := sum(not each for each in figures):
            self._note(f"{skipped} policies cannot be named by their geometry: no view was judged")
        if self.job.subject.classes is not None and not any(map(_has_labels, figures)):
            self._note("the reference classified no whole image rightly: agreement was left out")
        self._add(figures)

    def _share_objects(self, each: Candidate) -> ObjectShares | None:
        settings = self.job.settings
        return measure_objects(
            each.views,
            self.shapes,
            threshold=settings.coverage,
            draws=settings.draws,
            seed=settings.seed,
        )

    def _list_named(self) -> list[Candidate]:
        return [each for each in self.job.candidates if each.curve is None]

    def _add(self, found: Sequence[dict[str, float]]) -> None:
        """Add figures to the preservation of every policy, and write."""
        policies = [
            replace(each, preservation=replace(each.preservation, **figures))
            for each, figures in zip(self.audit.policies, found, strict=True)
        ]
        self._write(policies=tuple(policies))

    def _note(self, line: str) -> None:
        self.report(line)
        self._write(notes=(*self.audit.notes, line))

    def _write(self, **changes: tuple[Audited, ...] | tuple[str, ...]) -> None:
        seconds = time.perf_counter() - self.started
        self.audit = replace(self.audit, seconds=seconds, **changes)  # type: ignore[arg-type]
        if self.job.out is not None:
            write_json(self.job.out / "audit.json", self.audit)


def _start(job: Job) -> Audit:
    """The record before the first step."""
    subject, plans = job.subject, [each.views.plan for each in job.candidates if not each.curve]
    told = [note for plan in plans for note in plan.notes(subject.images.sizes)]
    return Audit(
        format=FORMAT,
        data=subject.name,
        images=len(subject.images),
        sizes=len(np.unique(subject.images.sizes, axis=0)),
        boxed_images=None,
        objects=None,
        classes=None if subject.classes is None else len(subject.classes),
        threshold=job.settings.coverage,
        seed=job.settings.seed,
        current=job.candidates[0].name,
        reference=None,
        notes=(*subject.notes, *dict.fromkeys(told)),
        account=subject.account,
        seconds=0.0,
        policies=(),
        environment=environment(),
    )


def _preserve_objects(shares: ObjectShares) -> dict[str, float]:
    names = ("object_share", "pair_share", "false_positive_share", "different_share", "none_share")
    figures = {name: getattr(shares, name) for name in names}
    both = {"pair_any_share": shares.any_share, "pair_largest_share": shares.largest_share}
    return figures | both


def _preserve_features(
    evaluators: Sequence[Evaluator], views: Sequence[ViewFeatures], *, judged: bool
) -> dict[str, float]:
    """Means over the references; labels only where they can judge these views."""
    pairs = list(zip(evaluators, views, strict=True))
    alike = [evaluator.compare_features(each) for evaluator, each in pairs]
    figures = {
        "whole_similarity": fmean(each.whole_mean for each in alike),
        "pair_similarity": fmean(each.pair_mean for each in alike),
        "pair_similarity_p05": fmean(each.pair_p05 for each in alike),
    }
    same = [found for one, each in pairs if (found := one.compare_labels(each)) is not None]
    if not same or not judged:
        return figures
    agreement = average_agreement(same)
    return figures | {
        "label_agreement": agreement.label_agreement,
        "label_agreement_error": agreement.error,
        "pair_label_agreement": agreement.pair_agreement,
        "pair_label_agreement_error": agreement.pair_error,
    }


def _has_labels(figures: dict[str, float]) -> bool:
    return "label_agreement" in figures

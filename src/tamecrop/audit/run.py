"""Audit crop laws: geometry first, then what their views still show, written at every step."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tamecrop.audit.candidates import Candidate
from tamecrop.audit.measures.geometry import geometry
from tamecrop.audit.measures.objects import ObjectShares, object_shares
from tamecrop.audit.measures.suspicious import Suspect, by_features, by_objects, by_overlap
from tamecrop.audit.plan import Outcome, Plan
from tamecrop.audit.records import FORMAT, Audit, Audited, Preservation
from tamecrop.audit.reference.looks import Seen, Witness
from tamecrop.audit.reference.witnesses import Asked, ask
from tamecrop.audit.report import publish
from tamecrop.reporting.environment import environment
from tamecrop.reporting.jsonfiles import write_json


def run(plan: Plan, *, tell: Callable[[str], None] = lambda _: None) -> Audit:
    """Audit every law; write `audit.json` after each step, figures and page at the end.

    The geometry of all laws is written before anything is asked about their views, and the page
    is also made of what there is when a later step fails.

    Args:
        plan: what to audit, and where.
        tell: told one line when a step begins.

    Raises:
        ValueError: when the reference cannot be had or the images cannot be read.
    """
    work = _Work(plan, tell)
    try:
        work.geometry()
        work.objects()
        work.witnesses()
    finally:
        if work.audit.policies:
            tell("figures and page")
            publish(plan, Outcome(work.audit, work.suspects))
    return work.audit


class _Work:
    """An audit on its way."""

    def __init__(self, plan: Plan, tell: Callable[[str], None]) -> None:
        self.plan, self.tell = plan, tell
        self.started = time.perf_counter()
        self.audit = _empty(plan)
        self.suspects: dict[str, tuple[Suspect, ...]] = {}

    def geometry(self) -> None:
        """The geometry of every law, on the real sizes."""
        plan, subject = self.plan, self.plan.subject
        self.tell(f"geometry of {len(plan.laws)} laws on {len(subject.images):,} images")
        found = []
        for law in plan.laws:
            shape = geometry(
                law.policy,
                subject.images.sizes,
                index=subject.index,
                draws=plan.draws,
                seed=plan.seed,
            )
            if law.curve is not None:
                shape = replace(shape, coverage_map=None)
            found.append(Audited(str(law.policy), law.curve, law.swept, shape, Preservation()))
        self._write(policies=tuple(found))

    def objects(self) -> None:
        """Whether views show the objects, where the data has boxes."""
        images = self.plan.subject.images
        if images.boxes is None:
            return
        self.tell("objects in views")
        shares = [self._shares(law) for law in self.plan.laws]
        known = [each for each in shares if each is not None]
        if not known:
            self._note("no image has an object box: shares of objects were left out")
            return
        self.audit = replace(self.audit, boxed_images=known[0].images, objects=known[0].objects)
        self._preserved([_of_objects(each) for each in known])
        for law in self._named():
            suspects = by_objects(
                law.policy, images, index=self.plan.subject.index, seed=self.plan.seed
            )
            self.suspects[str(law.policy)] = suspects

    def witnesses(self) -> None:
        """What a reference sees in the views, where there is one."""
        asked = ask(self.plan.choice, self.plan.subject, tell=self.tell, note=self._note)
        if asked is not None:
            self._look(asked)
        for law in self._named():
            if str(law.policy) not in self.suspects:
                self.suspects[str(law.policy)] = by_overlap(
                    law.policy,
                    self.plan.subject.images,
                    index=self.plan.subject.index,
                    seed=self.plan.seed,
                )

    def _look(self, asked: Asked) -> None:
        witness = asked.witness
        self.audit = replace(self.audit, reference=witness.known())
        self.tell(f"{witness.reference.name} looks at {len(witness.images):,} images")
        found = []
        for law in self.plan.laws:
            seen = witness.see(law.policy, draws=asked.draws, seed=self.plan.seed)
            found.append(_of_looks(witness, seen))
            if law.curve is None and asked.places is not None:
                self.suspects.setdefault(str(law.policy), by_features(seen, asked.places))
        if self.plan.subject.classes is not None and found[0].get("label_agreement") is None:
            self._note("the reference named no whole image rightly: agreement was left out")
        self._preserved(found)

    def _shares(self, law: Candidate) -> ObjectShares | None:
        plan = self.plan
        return object_shares(
            law.policy,
            plan.subject.images,
            index=plan.subject.index,
            threshold=plan.threshold,
            draws=plan.draws,
            seed=plan.seed,
        )

    def _named(self) -> list[Candidate]:
        return [law for law in self.plan.laws if law.curve is None]

    def _preserved(self, found: Sequence[dict[str, float]]) -> None:
        """Add figures to the preservation of every law, and write."""
        laws = [
            replace(law, preservation=replace(law.preservation, **figures))
            for law, figures in zip(self.audit.policies, found, strict=True)
        ]
        self._write(policies=tuple(laws))

    def _note(self, line: str) -> None:
        self.tell(line)
        self._write(notes=(*self.audit.notes, line))

    def _write(self, **changes: tuple[Audited, ...] | tuple[str, ...]) -> None:
        seconds = time.perf_counter() - self.started
        self.audit = replace(self.audit, seconds=seconds, **changes)  # type: ignore[arg-type]
        write_json(self.plan.out / "audit.json", self.audit)


def _empty(plan: Plan) -> Audit:
    subject = plan.subject
    return Audit(
        format=FORMAT,
        data=subject.name,
        images=len(subject.images),
        sizes=len(np.unique(subject.images.sizes, axis=0)),
        boxed_images=None,
        objects=None,
        classes=None if subject.classes is None else len(subject.classes),
        threshold=plan.threshold,
        seed=plan.seed,
        current=str(plan.laws[0].policy),
        reference=None,
        notes=subject.notes,
        seconds=0.0,
        policies=(),
        environment=environment(),
    )


def _of_objects(shares: ObjectShares) -> dict[str, float]:
    names = (
        "object_share",
        "pair_share",
        "false_positive_share",
        "different_share",
        "none_share",
    )
    return {name: getattr(shares, name) for name in names}


def _of_looks(witness: Witness, seen: Seen) -> dict[str, float]:
    alike, same = witness.similarity(seen), witness.agreement(seen)
    figures = {
        "whole_similarity": alike.whole_mean,
        "pair_similarity": alike.pair_mean,
        "pair_similarity_p05": alike.pair_p05,
    }
    if same is None:
        return figures
    return figures | {
        "label_agreement": same.label_agreement,
        "label_agreement_error": same.error,
        "pair_label_agreement": same.pair_agreement,
    }

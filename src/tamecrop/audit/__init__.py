"""Crop policies judged on real images before any training."""

from typing import TYPE_CHECKING

from tamecrop.on_demand import on_demand

if TYPE_CHECKING:
    from tamecrop.audit.halving import Contest, seconds
    from tamecrop.audit.recommend import Recommendation, Round
    from tamecrop.audit.records import Audit, Audited
    from tamecrop.audit.reference.choose import choose_by_boxes
    from tamecrop.audit.run import audit
    from tamecrop.audit.subject import Subject, find_subject
else:
    _SOURCES = {
        "Audit": "tamecrop.audit.records:Audit",
        "Audited": "tamecrop.audit.records:Audited",
        "Contest": "tamecrop.audit.halving:Contest",
        "Recommendation": "tamecrop.audit.recommend:Recommendation",
        "Round": "tamecrop.audit.recommend:Round",
        "Subject": "tamecrop.audit.subject:Subject",
        "audit": "tamecrop.audit.run:audit",
        "choose_by_boxes": "tamecrop.audit.reference.choose:choose_by_boxes",
        "find_subject": "tamecrop.audit.subject:find_subject",
        "seconds": "tamecrop.audit.halving:seconds",
    }
    __getattr__, __dir__ = on_demand(__name__, _SOURCES)

__all__ = [
    "Audit",
    "Audited",
    "Contest",
    "Recommendation",
    "Round",
    "Subject",
    "audit",
    "choose_by_boxes",
    "find_subject",
    "seconds",
]

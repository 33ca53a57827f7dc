"""Crop policies judged on real images before any training."""

from typing import TYPE_CHECKING

from tamecrop.on_demand import on_demand

if TYPE_CHECKING:
    from tamecrop.audit.recommend import Recommendation
    from tamecrop.audit.records import Audit, Audited
    from tamecrop.audit.run import audit
else:
    _SOURCES = {
        "Audit": "tamecrop.audit.records:Audit",
        "Audited": "tamecrop.audit.records:Audited",
        "Recommendation": "tamecrop.audit.recommend:Recommendation",
        "audit": "tamecrop.audit.run:audit",
    }
    __getattr__, __dir__ = on_demand(__name__, _SOURCES)

__all__ = [
    "Audit",
    "Audited",
    "Recommendation",
    "audit",
]

"""tamecrop: choose, judge and compare the crop policies of contrastive pre-training.

>>> import tamecrop as tc
>>> tc.policy("gcc:scale=0.4,alpha=1.5").draw((32, 32), index=[0], views=2).shape
(1, 2, 4)
"""

from typing import TYPE_CHECKING

from tamecrop.on_demand import on_demand
from tamecrop.version import VERSION as __version__

if TYPE_CHECKING:
    from tamecrop.audit.recommend import recommend
    from tamecrop.audit.run import audit
    from tamecrop.data.sources import load
    from tamecrop.geometry import boxes, expectations, parts
    from tamecrop.geometry.matching import match
    from tamecrop.geometry.plans import ViewPlan, plan
    from tamecrop.geometry.policy import Policy, policy
    from tamecrop.geometry.presets import PRESETS as presets
    from tamecrop.learning.evaluate import evaluate
    from tamecrop.learning.pretrain import pretrain
    from tamecrop.paper.prediction import predict
    from tamecrop.studies.compare import compare
    from tamecrop.views import datasets, transforms
    from tamecrop.views.cut import cut
else:
    _SOURCES = {
        "Policy": "tamecrop.geometry.policy:Policy",
        "ViewPlan": "tamecrop.geometry.plans:ViewPlan",
        "audit": "tamecrop.audit.run:audit",
        "boxes": "tamecrop.geometry.boxes",
        "compare": "tamecrop.studies.compare:compare",
        "cut": "tamecrop.views.cut:cut",
        "datasets": "tamecrop.views.datasets",
        "evaluate": "tamecrop.learning.evaluate:evaluate",
        "expectations": "tamecrop.geometry.expectations",
        "load": "tamecrop.data.sources:load",
        "match": "tamecrop.geometry.matching:match",
        "parts": "tamecrop.geometry.parts",
        "plan": "tamecrop.geometry.plans:plan",
        "policy": "tamecrop.geometry.policy:policy",
        "predict": "tamecrop.paper.prediction:predict",
        "presets": "tamecrop.geometry.presets:PRESETS",
        "pretrain": "tamecrop.learning.pretrain:pretrain",
        "recommend": "tamecrop.audit.recommend:recommend",
        "transforms": "tamecrop.views.transforms",
    }
    __getattr__, __dir__ = on_demand(__name__, _SOURCES, hidden=["audit"])

__all__ = [
    "Policy",
    "ViewPlan",
    "__version__",
    "audit",
    "boxes",
    "compare",
    "cut",
    "datasets",
    "evaluate",
    "expectations",
    "load",
    "match",
    "parts",
    "plan",
    "policy",
    "predict",
    "presets",
    "pretrain",
    "recommend",
    "transforms",
]

"""tamecrop: choose, judge and compare the crop law of contrastive pre-training.

>>> import tamecrop as tc
>>> tc.policy("gcc:scale=0.4,alpha=1.5").draw((32, 32), index=[0], views=2).shape
(1, 2, 4)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tamecrop.geometry.plans import ViewPlan, plan
from tamecrop.geometry.policy import Policy, policy
from tamecrop.version import VERSION as __version__

if TYPE_CHECKING:
    from tamecrop.geometry import boxes, expectations
    from tamecrop.views import datasets, transforms
    from tamecrop.views.cut import cut

__all__ = [
    "Policy",
    "ViewPlan",
    "__version__",
    "boxes",
    "cut",
    "datasets",
    "expectations",
    "plan",
    "policy",
    "transforms",
]

_LAZY = {
    "boxes": ("tamecrop.geometry.boxes", None),
    "cut": ("tamecrop.views.cut", "cut"),
    "datasets": ("tamecrop.views.datasets", None),
    "expectations": ("tamecrop.geometry.expectations", None),
    "transforms": ("tamecrop.views.transforms", None),
}


def __getattr__(name: str) -> Any:
    """Import what needs torch only when it is asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module 'tamecrop' has no attribute {name!r}")
    module, attribute = _LAZY[name]
    found = import_module(module)
    return found if attribute is None else getattr(found, attribute)


def __dir__() -> list[str]:
    return __all__

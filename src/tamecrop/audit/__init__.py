"""Crop policies judged on real images before any training.

The room and its main function share a name, so the room itself can be called:
`tamecrop.audit(images, policies)` is `tamecrop.audit.run.audit(images, policies)`.
"""

import sys
from types import ModuleType
from typing import Any


class _CallableRoom(ModuleType):
    """A package that can be called: importing it must not hide the function of its name."""

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        """Audit crop policies, see `tamecrop.audit.run.audit`."""
        from tamecrop.audit.run import audit

        return audit(*arguments, **settings)


sys.modules[__name__].__class__ = _CallableRoom

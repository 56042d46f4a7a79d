"""Steps: what is done to volumes, one file each; each is an entry point ``voxelry.steps``, as other packages' are.

``voxelry.steps`` is a function as well, which lists them. Python gives the name to this package once one of its modules
is imported, so that the package can be called too.
"""

from __future__ import annotations

import sys
from types import ModuleType

from voxelry.core.step_list import StepList
from voxelry.core.step_list import steps as _steps


class _Package(ModuleType):
    def __call__(self, name: str | None = None) -> StepList:
        return _steps(name)


sys.modules[__name__].__class__ = _Package
__doc__ = _steps.__doc__ or ""

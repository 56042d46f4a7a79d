"""Steps: operations on volumes, one file each, registered as entry points ``voxelry.steps``.

``voxelry.steps`` is also a function that lists the steps. Once a module of this package is imported, Python binds the
name to the package; the package is therefore callable.
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

"""Modules that pydicom imports for downloads and examples only, which no command uses: a quarter of the start-up.

``import pydicom`` ends in ``pydicom.data.download``, which fetches pydicom's own test files. It imports ``requests`` if
that is installed and takes ``urllib`` if it is not; and ``pydicom.examples`` looks up a dozen of those files. While
pydicom is imported, the first are not found, and the others are executed when an attribute is first read; before
and afterwards everything is imported as ever.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from threading import RLock
from types import ModuleType

_NOT_FOUND = frozenset({"requests", "tqdm"})
_LATE = frozenset({"pydicom.examples", "urllib.request"})


def delay_imports() -> None:
    """Have pydicom imported, if it is imported at all, without what only its downloads and examples need."""
    if "pydicom" not in sys.modules:
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds pydicom; and, while that is executed, the modules that it needs later or not at all."""

    def __init__(self) -> None:
        self.executing = False

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        if self.executing and name in _NOT_FOUND:
            raise ModuleNotFoundError(f"{name} is not imported by pydicom", name=name)
        if name != "pydicom" and not (self.executing and name in _LATE):
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _PydicomLoader(spec.loader, self) if name == "pydicom" else _LateLoader(spec.loader)
        return spec


class _PydicomLoader(Loader):
    def __init__(self, own: Loader, finder: _Finder) -> None:
        self._own = own
        self._finder = finder

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        _give_back(module, self._own)
        self._finder.executing = True
        try:
            self._own.exec_module(module)
        finally:
            sys.meta_path.remove(self._finder)


class _LateLoader(Loader):
    def __init__(self, own: Loader) -> None:
        self._own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        _give_back(module, self._own)
        module.__dict__[_WAITING] = self._own
        module.__class__ = _LateModule


def _give_back(module: ModuleType, own: Loader) -> None:
    """The module's own loader, as if there were no other: resources are read through it."""
    module.__loader__ = own
    if module.__spec__ is not None:
        module.__spec__.loader = own


_WAITING = "__voxelry_loader__"
_lock = RLock()


class _LateModule(ModuleType):
    """A module that is executed when an attribute of it is first read, by one thread; others wait for it.

    ``importlib.util.LazyLoader`` does the same, but before Python 3.12 a second thread does not wait.
    """

    def __getattribute__(self, name: str) -> object:
        own: dict[str, object] = object.__getattribute__(self, "__dict__")
        with _lock:
            loader = own.pop(_WAITING, None)
            if isinstance(loader, Loader):
                try:
                    loader.exec_module(self)
                except BaseException:
                    own[_WAITING] = loader
                    raise
                object.__setattr__(self, "__class__", ModuleType)
        return ModuleType.__getattribute__(self, name)

"""Libraries that only extras install: which extra each belongs to, and one sentence where one is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import NamedTuple

from voxelry.core.errors import MissingExtraError


class Library(NamedTuple):
    """How people call a library, and the extra that installs it."""

    name: str
    extra: str


LIBRARIES = {
    "SimpleITK": Library("SimpleITK", "steps"),
    "cv2": Library("OpenCV", "steps"),
    "scipy": Library("scipy", "steps"),
    "skimage": Library("scikit-image", "steps"),
    "PIL": Library("Pillow", "formats"),
    "h5py": Library("h5py", "formats"),
    "pyarrow": Library("pyarrow", "formats"),
    "zarr": Library("zarr", "formats"),
    "highdicom": Library("highdicom", "seg"),
    "matplotlib": Library("matplotlib", "notebook"),
    "hdf5plugin": Library("hdf5plugin", "fast"),
    "onnxruntime": Library("ONNX Runtime", "onnx"),
    "boto3": Library("boto3", "s3"),
    "storages": Library("django-storages", "s3"),
    "pynetdicom": Library("pynetdicom", "network"),
    "celery": Library("Celery", "server"),
    "django": Library("Django", "server"),
    "httptools": Library("httptools", "server"),
    "ninja": Library("django-ninja", "server"),
    "platformdirs": Library("platformdirs", "server"),
    "psycopg": Library("psycopg", "server"),
    "redis": Library("redis", "server"),
    "uvicorn": Library("uvicorn", "server"),
    "whitenoise": Library("whitenoise", "server"),
}
"""By the name that they are imported by."""


def missing(libraries: Iterable[str]) -> str | None:
    """The first of the libraries that is not installed; none is imported for it."""
    return next((name for name in libraries if find_spec(name) is None), None)


def libraries_of(plugin: object) -> tuple[str, ...]:
    """What a plug-in says that it imports, in its attribute ``libraries``; nothing where it has none."""
    return tuple(getattr(plugin, "libraries", ()))


def require(what: str, libraries: Iterable[str]) -> None:
    """Check that libraries are installed, before the work begins.

    Parameters
    ----------
    what
        What needs them, as the sentence begins: ``"`gaussian`"``.

    Raises
    ------
    MissingExtraError
        If one is not; the message names the extra.
    """
    name = missing(libraries)
    if name is not None:
        raise missing_extra(what, name)


@contextmanager
def needed_for(what: str) -> Iterator[None]:
    """Around an import, or around work that imports: where an extra's library is missing, the error says so.

    Parameters
    ----------
    what
        What needs it, as the sentence begins.

    Raises
    ------
    MissingExtraError
        If a library of `LIBRARIES` is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        library = library_of(error)
        if library is None:
            raise
        raise missing_extra(what, library) from error


def library_of(error: BaseException) -> str | None:
    """Of an import that failed: the library of `LIBRARIES` that it lacked."""
    name = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    return name if name in LIBRARIES else None


def missing_extra(what: str, library: str, *, otherwise: str = "all") -> MissingExtraError:
    """The error that says what needs which library, and how to install it.

    Parameters
    ----------
    otherwise
        The extra of a library that is none of `LIBRARIES`.
    """
    name, extra = LIBRARIES.get(library, Library(library, otherwise))
    words = f"{what} needs {name}: pip install 'voxelry[{extra}]'"
    return MissingExtraError(words, extra=extra, library=name)

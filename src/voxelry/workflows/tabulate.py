"""All tags of all instances as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from voxelry.core.errors import Problem, VoxelryError
from voxelry.core.progress import Progress, silent
from voxelry.core.value import Value
from voxelry.dicom.attributes import BINARY_VRS, element_name, elements, to_json
from voxelry.dicom.headers import Header, read_header
from voxelry.dicom.sources import DEFAULT_LIMITS, Limits, Source, StrPath, unreadable, walk

if TYPE_CHECKING:
    import pandas as pd

_INTEGER_VRS = frozenset({"IS", "SL", "SS", "SV", "UL", "US", "UV"})
_FLOAT_VRS = frozenset({"DS", "FD", "FL"})
FILE_COLUMN = "File"


def tabulate(path: StrPath, *, limits: Limits = DEFAULT_LIMITS, progress: Progress = silent) -> pd.DataFrame:
    """A row for each instance below a path, a column for each attribute.

    Parameters
    ----------
    path
        A file, a folder at any depth, or a zip archive.

    Returns
    -------
    table
        Columns in the order of their tags, named by keyword, private ones by tag (``(0019,100C)``); the
        first is ``File``. Whole numbers are ``Int64``, other numbers ``float64``, dates ``datetime64``,
        texts ``string``; attributes with several values hold lists, sequences lists of dicts, both as
        objects. Missing is ``NA``. Binary values are left out. ``table.attrs["skipped"]`` says which files
        are no DICOM, and why.

    Raises
    ------
    NothingFoundError
        If the path does not exist.
    """
    skipped: dict[str, Problem] = {}
    sources = list(walk(path, limits=limits, on_problem=skipped.__setitem__))
    table = _table(_headers(sources, skipped, progress))
    table.attrs["skipped"] = {name: str(problem) for name, problem in skipped.items()}
    return table


def _headers(sources: list[Source], skipped: dict[str, Problem], progress: Progress) -> Iterable[Header]:
    for done, source in enumerate(sources):
        progress(done / len(sources), "reading tags")
        try:
            yield read_header(source)
        except VoxelryError as error:
            skipped[source.name] = error.problem
        except OSError as error:
            skipped[source.name] = unreadable(source.name, error)
    progress(1.0, "reading tags")


def _table(headers: Iterable[Header]) -> pd.DataFrame:
    import pandas as pd

    columns: dict[tuple[int, str], dict[int, Value]] = {}
    kinds: dict[tuple[int, str], set[str]] = {}
    names: list[str] = []
    for row, header in enumerate(headers):
        names.append(header.name)
        for element in elements(header.elements.dataset):
            if element.VR in BINARY_VRS or element.tag.element == 0:
                continue
            key = int(element.tag), element_name(element)
            columns.setdefault(key, {})[row] = to_json(element)
            kinds.setdefault(key, set()).add(element.VR)
    series: dict[str, Any] = {FILE_COLUMN: pd.array([_encodable(name) for name in names], dtype="string")}
    for key in sorted(columns):
        values = [columns[key].get(row) for row in range(len(names))]
        series[key[1]] = _column(values, kinds[key])
    return pd.DataFrame(series)


def _encodable(word: str) -> str:
    """The same without lone surrogates: file names that are no UTF-8 hold some, and no table takes them."""
    return word.encode("utf-8", "replace").decode("utf-8")


def _column(values: list[Value], kinds: set[str]) -> Any:
    import pandas as pd

    values = [None if value in ("", []) else value for value in values]
    if any(isinstance(value, list) for value in values) or kinds == {"SQ"}:
        column = np.empty(len(values), dtype=object)
        column[:] = values
        return column
    if kinds <= _INTEGER_VRS and all(value is None or isinstance(value, int) for value in values):
        whole: list[Any] = values
        for dtype in ("Int64", "UInt64"):
            limits = np.iinfo(dtype.lower())
            if all(value is None or limits.min <= value <= limits.max for value in whole):
                return pd.array(whole, dtype=dtype)
    if kinds <= _INTEGER_VRS | _FLOAT_VRS and all(value is None or isinstance(value, int | float) for value in values):
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    if kinds == {"DA"}:
        days = [None if value is None else str(value).replace(".", "") for value in values]  # 2020.01.02 of old
        return pd.to_datetime(pd.Series(days, dtype="string"), format="%Y%m%d", errors="coerce")
    words: list[Any] = [None if value is None else _encodable(str(value)) for value in values]
    return pd.array(words, dtype="string")

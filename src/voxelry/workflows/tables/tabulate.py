"""All tags of all instances as a table."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from copy import copy
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.datadict import dictionary_has_tag, dictionary_VR

from voxelry.core.argument_types import check_path
from voxelry.core.errors import NothingFoundError, Problem, VoxelryError, named
from voxelry.core.progress import Progress, silent
from voxelry.core.value import Value
from voxelry.dicom.headers.attributes import tag_name, tag_of_name
from voxelry.dicom.headers.columns import Column, Columns
from voxelry.dicom.headers.common_header import CommonHeader
from voxelry.dicom.headers.file_search import scan
from voxelry.dicom.headers.header import read_header
from voxelry.dicom.headers.packed_files import DEFAULT_LIMITS, ArchiveLimits
from voxelry.dicom.headers.sources import StrPath, unreadable
from voxelry.workflows.load.volume_files import VolumeFile, files_in, format_of, not_of_files

if TYPE_CHECKING:
    import pandas as pd

_INTEGER_VRS = frozenset({"IS", "SL", "SS", "SV", "UL", "US", "UV"})
_FLOAT_VRS = frozenset({"DS", "FD", "FL"})
FILE_COLUMN = "File"


def tabulate(path: StrPath, *, limits: ArchiveLimits = DEFAULT_LIMITS, progress: Progress = silent) -> pd.DataFrame:
    """A row for each instance below a path, a column for each attribute.

    Parameters
    ----------
    path
        As for ``load``. Each volume of a file in another format than DICOM has a row after those of instances, with the
        attributes that the file keeps of its volume.

    Returns
    -------
    table
        Columns in the order of their tags, named by keyword, private ones by tag (``(0019,100C)``); the
        first is ``File``. Whole numbers are ``Int64``, other numbers ``float64``, dates ``datetime64``,
        texts ``string``. A column of dates in which one is none (``19000000``, ``1980``, a range) is of texts, the
        others as ``2020-01-02``; attributes with several values hold lists, sequences lists of dicts, both as
        objects. Missing is ``NA``. Binary values are left out. ``table.attrs["skipped"]`` says which files
        are no DICOM, and why.

    Raises
    ------
    NothingFoundError
        If the path does not exist.

    Examples
    --------
    >>> table = voxelry.tabulate("sample/phantom")
    >>> len(table), table["Modality"].unique().tolist()
    (48, ['CT'])
    """
    check_path(path)
    own = format_of(path)
    skipped: dict[str, Problem] = {}
    columns, names = Columns(), list[str]()
    if own is not None:
        _add_file(VolumeFile(own, os.fspath(path), "", os.fspath(path)), columns, names, skipped)
        return _table(columns, names, skipped)
    common = CommonHeader()
    for source, head in scan(path, limits=limits, on_problem=skipped.__setitem__, progress=progress):
        try:
            columns.add(read_header(source, head, common).elements)
        except VoxelryError as error:
            skipped[source.name] = error.problem
        except OSError as error:
            skipped[source.name] = unreadable(source.name, error)
        else:
            names.append(_encodable(source.name))
    if os.path.isdir(path):  # noqa: PTH112
        files = files_in(path, of_others=bool(names))
        skipped = not_of_files(skipped, files)
        for file in files:
            _add_file(file, columns, names, skipped)
    return _table(columns, names, skipped)


def _add_file(file: VolumeFile, columns: Columns, names: list[str], skipped: dict[str, Problem]) -> None:
    """A row for each volume of a file in another format than DICOM."""
    try:
        volumes = file.own.read(file.path)
    except VoxelryError as error:
        skipped[file.shown] = named(error, file.shown).problem
        return
    except OSError as error:
        skipped[file.shown] = unreadable(file.shown, error)
        return
    if not any(volume.metadata for volume in volumes):
        words = f"the file holds no attributes of DICOM, only voxels and their place ({file.own.name})"
        skipped[file.shown] = named(NothingFoundError(words), file.shown).problem
        return
    for volume in volumes:
        tags = ((tag_of_name(name), value) for name, value in volume.metadata.items())
        columns.add_values({tag: (_kind(tag, value), value) for tag, value in tags if tag is not None})
        names.append(_encodable(file.shown))


def _kind(tag: int, value: Value) -> str:
    """The value representation of an attribute by the dictionary; of a private one what fits the value."""
    if dictionary_has_tag(tag):
        return dictionary_VR(tag)[:2]
    return "SL" if isinstance(value, int) else "FD" if isinstance(value, float) else "LO"


def _table(columns: Columns, names: list[str], skipped: Mapping[str, Problem]) -> pd.DataFrame:
    import pandas as pd

    series: dict[str, Any] = {FILE_COLUMN: pd.array(names, dtype=pd.StringDtype())}
    for column in columns.done():
        series[tag_name(column.tag)] = _typed(column, len(names))
    table = pd.DataFrame(series)
    table.attrs["skipped"] = {name: str(problem) for name, problem in skipped.items()}
    return table


def _encodable(word: str) -> str:
    """The same without lone surrogates: file names that are no UTF-8 hold some, and no table takes them."""
    return word.encode("utf-8", "replace").decode("utf-8")


def _typed(column: Column, count: int) -> Any:
    """A column of ``count`` rows in the dtype of its values: the distinct ones are typed, and then repeated."""
    import pandas as pd

    kinds = column.kinds
    values = [None if value in ("", []) else value for value in column.values]
    rows = np.zeros(count, np.intp)
    rows[: len(column.rows)] = column.rows
    if any(isinstance(value, list) for value in values) or kinds == {"SQ"}:
        mixed = np.empty(count, dtype=object)
        nested = any(isinstance(item, list | dict) for value in values if isinstance(value, list) for item in value)
        mixed[:] = list(map(_own if nested else copy, map(values.__getitem__, rows)))
        return mixed
    if kinds <= _INTEGER_VRS and all(value is None or isinstance(value, int) for value in values):
        whole: list[Any] = values
        for dtype in ("Int64", "UInt64"):
            limits = np.iinfo(dtype.lower())
            if all(value is None or limits.min <= value <= limits.max for value in whole):
                return pd.array(whole, dtype=dtype).take(rows)
    if kinds <= _INTEGER_VRS | _FLOAT_VRS and all(value is None or isinstance(value, int | float) for value in values):
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)[rows]
    if kinds == {"DA"}:
        days = [None if value is None else _day(str(value)) for value in values]
        if not any(isinstance(day, str) for day in days):
            return np.array(days, dtype="datetime64[s]")[rows]
        values = [None if day is None else str(day) for day in days]
    words = [None if value is None else _encodable(str(value)) for value in values]
    return pd.array(words, dtype=pd.StringDtype()).take(rows)


_DAY = re.compile(r"(\d{4})(\.?)(\d{2})\2(\d{2})").fullmatch
"""PS3.5 6.2, or 2020.01.02 as ACR-NEMA wrote it."""


def _day(word: str) -> date | str:
    """A date, or the word itself where it is none: ``19000000``, ``1980``, a range."""
    parts = _DAY(word.strip())
    try:
        return word if parts is None else date(int(parts[1]), int(parts[3]), int(parts[4]))
    except ValueError:  # no day of any calendar
        return word


def _own(value: Value) -> Value:
    """A row's own copy of a value that it shares with others, because lists can be changed."""
    if isinstance(value, list):
        return [_own(item) for item in value]
    if isinstance(value, dict):
        return {keyword: _own(item) for keyword, item in value.items()}
    return value

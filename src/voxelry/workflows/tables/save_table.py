"""A table of tags as a file: CSV, JSON or Parquet, with types, nested or flat."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pydicom.datadict import private_dictionary_description

from voxelry.core.errors import ParameterError
from voxelry.core.extras import require
from voxelry.core.value import Value
from voxelry.dicom.headers.sources import StrPath
from voxelry.workflows.files.atomic import published
from voxelry.workflows.files.csv_table import write_csv

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_PRIVATE = re.compile(r"\(([0-9A-F]{4}),([0-9A-F]{2})([0-9A-F]{2})\)").fullmatch
Columns: TypeAlias = dict[str, list[Value]]


def save_table(table: pd.DataFrame, path: StrPath, *, flatten: bool = False) -> int:
    """Write what ``tabulate`` gives; the suffix chooses the format.

    Private attributes that pydicom knows have their name behind the tag: ``(0019,100C) B_value``. Nothing
    half-written bears the file's name.

    Parameters
    ----------
    path
        ``.csv``: several values and sequences are JSON in a cell; a text that a spreadsheet would take for a formula
        has an apostrophe before it. ``.json``: a list of objects, one for each
        instance; what is missing is null. ``.parquet``: whole numbers, numbers, dates, texts, lists and structs.
    flatten
        True for a column of each attribute inside a sequence, ``RequestAttributesSequence[1].StudyID``, instead of
        sequences as lists of objects.

    Returns
    -------
    count
        How many columns were written.

    Raises
    ------
    ParameterError
        If the suffix is none of these.
    """
    suffix = check_table_path(path)
    columns = as_columns(table, flatten=flatten)
    with published(Path(path)) as aside:
        _WRITERS[suffix](columns, table, aside)
    return len(columns)


def check_table_path(path: StrPath) -> str:
    """The suffix of a table's file.

    Raises
    ------
    ParameterError
        If it is none that can be written.
    MissingExtraError
        If it is Parquet, and pyarrow is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _WRITERS:
        raise ParameterError(
            f"tags are written to files that end in {', '.join(_WRITERS)}; this one ends in {suffix!r}"
        )
    if suffix == ".parquet":
        require("Parquet", ("pyarrow",))
    return suffix


def as_columns(table: pd.DataFrame, *, flatten: bool = False) -> Columns:
    """The same as JSON values by column, private attributes named; dates are texts such as ``2020-01-02``."""
    names = _private_names(table)
    columns = {names.get(name, name): _values(table[name]) for name in map(str, table.columns)}
    return _flat(columns) if flatten else columns


def records(columns: Columns) -> list[dict[str, Value]]:
    """A dict for each row."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _values(column: pd.Series[Any]) -> list[Value]:
    if str(column.dtype).startswith("datetime"):
        return [None if day is None or day != day else str(day)[:10] for day in column.astype(object)]
    missing = column.isna()
    return [None if gone else _json(value) for value, gone in zip(column.astype(object), missing, strict=True)]


def _json(value: Any) -> Value:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value  # type: ignore[no-any-return]  # tabulate makes nothing but JSON values


def _private_names(table: pd.DataFrame) -> dict[str, str]:
    """Names of private attributes with what pydicom's dictionary calls them; theirs alone whose creator is one."""
    found = {}
    for name in map(str, table.columns):
        parts = _PRIVATE(name)
        if parts is None or int(parts[1], 16) % 2 == 0 or parts[2] == "00":
            continue
        creators = table.get(f"({parts[1]},00{parts[2]})")
        own = set() if creators is None else set(creators[table[name].notna()].dropna().astype(str))
        if len(own) == 1:
            try:
                words = private_dictionary_description(int(parts[1] + parts[2] + parts[3], 16), own.pop())
            except KeyError:
                continue
            found[name] = f"{name} {re.sub(r'[^A-Za-z0-9]+', '_', words).strip('_')}"
    return found


# --- flat -------------------------------------------------------------------------------------------------------------


def _flat(columns: Columns) -> Columns:
    """Sequences as columns, one for each attribute of each item, in the order of their tags."""
    rows = len(next(iter(columns.values()), []))
    found: Columns = {}
    for name, values in columns.items():
        cells = [dict(_leaves(name, value)) for value in values]
        for leaf in dict.fromkeys(leaf for cell in cells for leaf in cell) or [name]:
            found[leaf] = [cell.get(leaf) for cell in cells]
    return found if rows else columns


def _leaves(name: str, value: Value) -> Iterable[tuple[str, Value]]:
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for number, item in enumerate(value, 1):
            if isinstance(item, dict):
                for keyword, inner in item.items():
                    yield from _leaves(f"{name}[{number}].{keyword}", inner)
    elif value is not None:
        yield name, value


# --- writers ----------------------------------------------------------------------------------------------------------


def _write_csv(columns: Columns, _: pd.DataFrame, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        write_csv(file, list(columns), zip(*columns.values(), strict=True))


def _write_json(columns: Columns, _: pd.DataFrame, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        for number, row in enumerate(records(columns)):
            file.write(("," if number else "") + "\n" + json.dumps(row, ensure_ascii=False, allow_nan=False))
        file.write("\n]\n")


def _write_parquet(columns: Columns, table: pd.DataFrame, path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    dates = {name for name in map(str, table.columns) if str(table[name].dtype).startswith("datetime")}
    arrays = {
        name: pa.array(table[name].dt.date, type=pa.date32(), from_pandas=True) if name in dates else _array(values)
        for name, values in columns.items()
    }
    parquet.write_table(pa.table(arrays), path)


def _array(values: list[Value]) -> pa.Array:
    """Of one type; what has none that Parquet holds is JSON as a text."""
    import pyarrow as pa

    if any(isinstance(value, list) for value in values):
        values = [value if value is None or isinstance(value, list) else [value] for value in values]
    try:
        array = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        array = None
    if array is not None and _is_storable(array.type):
        return array.cast(pa.string()) if pa.types.is_null(array.type) else array
    return pa.array([None if value is None else json.dumps(value, ensure_ascii=False) for value in values])


def _is_storable(kind: pa.DataType) -> bool:
    """Parquet has no struct without members."""
    import pyarrow as pa

    if pa.types.is_struct(kind):
        members = [kind.field(number).type for number in range(kind.num_fields)]
        return bool(members) and all(map(_is_storable, members))
    return _is_storable(kind.value_type) if pa.types.is_list(kind) else True


_WRITERS: Mapping[str, Callable[[Columns, pd.DataFrame, Path], None]] = {
    ".csv": _write_csv,
    ".json": _write_json,
    ".parquet": _write_parquet,
}

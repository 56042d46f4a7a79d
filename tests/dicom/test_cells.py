"""Values converted once for many instances are those that pydicom gives for each."""

from __future__ import annotations

import math

import pydicom.config
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxelry.core.value import Value
from voxelry.dicom.headers.columns import BLOCK_ROWS, Columns
from voxelry.dicom.headers.elements import Elements, EncodedValue

TAGS = {
    b"AE": 0x00080054, b"AS": 0x00101010, b"AT": 0x00280009, b"CS": 0x00080060, b"DA": 0x00080020, b"DS": 0x00180050,
    b"DT": 0x0008002A, b"FD": 0x00189073, b"FL": 0x00186020, b"IS": 0x00200013, b"LO": 0x00080070, b"LT": 0x00104000,
    b"PN": 0x00100010, b"SH": 0x00080050, b"SL": 0x00186018, b"SQ": 0x00081140, b"SS": 0x00189219, b"ST": 0x00080081,
    b"SV": 0x00720082, b"TM": 0x00080030, b"UC": 0x00080119, b"UI": 0x00080018, b"UL": 0x00186016, b"UN": 0x00091001,
    b"UR": 0x00080120, b"US": 0x00280010, b"UT": 0x0040A160, b"UV": 0x00080040, b"OB": 0x00091002,
}  # fmt: skip
"""An attribute of each value representation."""

PARTS = [b" ", b"\0", b"\t", b"\\", b"=", b"^", b"1", b"-2.5", b"1e3", b"7", b"a", b"\xe4", b"\x1b", b"+", b"."]
forms = st.sampled_from(PARTS)
contents = st.one_of(
    st.lists(forms, max_size=6).map(b"".join),
    st.binary(max_size=24),
    st.lists(st.floats(), max_size=3).map(lambda found: b"\\".join(str(one).encode() for one in found)),
    st.lists(st.integers(), max_size=3).map(lambda found: b"\\".join(str(one).encode() for one in found)),
)
sets = st.sampled_from([b"", b"ISO_IR 100", b"ISO_IR 192", b"ISO_IR 144 "])
files = st.builds(
    lambda said, explicit, elements: (
        {0x00080005: (b"CS" if explicit else b"", said)}
        | {TAGS[vr]: (vr if explicit else b"", content) for vr, content in elements.items()}
    ),
    sets,
    st.booleans(),
    st.dictionaries(st.sampled_from(sorted(TAGS.keys() - {b"SQ"})), contents, min_size=1, max_size=5),
)


def rows_of(instances: list[Elements]) -> list[dict[int, Value]]:
    columns = Columns()
    for instance in instances:
        columns.add(instance)
    found: list[dict[int, Value]] = [{} for _ in instances]
    for column in columns.done():
        for row, code in enumerate(column.rows):
            if column.values[code] not in (None, "", []):
                found[row][column.tag] = column.values[code]
    return found


@given(st.lists(files, min_size=1, max_size=4))
def test_common_forms_are_read_as_pydicom_reads_them(instances: list[dict[int, EncodedValue]]) -> None:
    fast = [Elements(raw) for raw in instances]
    slow = [Elements(None, Elements(raw).dataset) for raw in instances]
    assert rows_of(fast) == rows_of(slow)
    assert rows_of([*fast, *slow]) == rows_of([*slow, *fast])


@pytest.mark.parametrize(
    ("vr", "content", "value"),
    [
        (b"DS", b"1.5 ", 1.5),
        (b"DS", b" 1\\-2e1", [1.0, -20.0]),
        (b"IS", b"+7", 7),
        (b"CS", b"A\\B ", ["A", "B"]),
        (b"US", b"\x01\x00\xff\xff", [1, 65535]),
        (b"UI", b"1.2.3\0", "1.2.3"),
        (b"PN", b"A^B ", "A^B"),
    ],
)
def test_forms_that_most_files_have(vr: bytes, content: bytes, value: Value) -> None:
    assert rows_of([Elements({TAGS[vr]: (vr, content)})]) == [{TAGS[vr]: value}]


def test_numbers_without_limit_are_words() -> None:
    (row,) = rows_of([Elements({TAGS[b"FD"]: (b"FD", b"\0\0\0\0\0\0\xf0\x7f")})])
    assert row == {TAGS[b"FD"]: str(math.inf)}


def test_what_a_value_means_may_depend_on_other_attributes() -> None:
    """A padding value's sign, a private attribute's meaning and a name's letters: the same bytes, other values."""
    padding, representation = 0x00280120, 0x00280103
    signs = [Elements({representation: (b"", bytes([sign, 0])), padding: (b"", b"\xff\xff")}) for sign in (0, 1)]
    assert [row[padding] for row in rows_of(signs)] == [65535, -1]
    creators = [b"GEMS_PARM_01", b"SOMEBODY ELSE "]
    private = [Elements({0x00430010: (b"", creator), 0x00431027: (b"", b"1\\2 ")}) for creator in creators]
    assert [row.get(0x00431027) for row in rows_of(private)] == [["1", "2"], None]
    names = [Elements({0x00080005: (b"CS", said), 0x00100010: (b"PN", b"\xc3\xa4")}) for said in (b"ISO_IR 192", b"")]
    assert [row[0x00100010] for row in rows_of(names)] == ["ä", "Ã¤"]


def test_instances_beyond_a_block_keep_their_rows() -> None:
    count = 2 * BLOCK_ROWS + 3
    tag = TAGS[b"IS"]
    instances = [Elements({tag: (b"IS", b"%d" % n)} if n % 7 else {}) for n in range(count)]
    instances[BLOCK_ROWS] = Elements(None, Elements({tag: (b"IS", b"-1")}).dataset)
    found = [row.get(tag) for row in rows_of(instances)]
    expected = [n if n % 7 else None for n in range(count)]
    expected[BLOCK_ROWS] = -1
    assert found == expected


def test_a_program_that_has_dates_converted_gets_them_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pydicom.config, "datetime_conversion", True)
    fast = Elements({TAGS[b"DT"]: (b"DT", b"20200102101112.5")})
    assert rows_of([fast]) == rows_of([Elements(None, Elements(fast.encoded).dataset)])

"""NRRD, header and voxels in one file; a single file of voxels beside its header (.nhdr) is read as well.

References
----------
"Definition of NRRD File Format", teem.sourceforge.net/nrrd/format.html, sections 4 to 8
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from voxelry.core.affine import spacing_of
from voxelry.core.errors import FormatError
from voxelry.core.progress import Progress, silent
from voxelry.core.spacing import Spacing
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.formats.shared.block_writing import voxel_blocks, write_blocks, write_deflated
from voxelry.formats.shared.deflate import level_asked
from voxelry.formats.shared.grids import check_affine, contradictions_refused, shared_dtype, shared_grid
from voxelry.formats.shared.slicer_diffusion import diffusion_keys, measurement_frame, slicer_weighting
from voxelry.formats.shared.streams import ByteSource, beside, read_start
from voxelry.formats.shared.volume_record import json_text, json_value

if TYPE_CHECKING:
    from voxelry.core.segmentation import Segment

_TYPES = {
    "int8": ("signed char", "int8", "int8_t"),
    "uint8": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "int16": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "uint16": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "int32": ("int", "signed int", "int32", "int32_t"),
    "uint32": ("uint", "unsigned int", "uint32", "uint32_t"),
    "int64": ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"),
    "uint64": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "float32": ("float",),
    "float64": ("double",),
}
_DTYPES = {word: dtype for dtype, words in _TYPES.items() for word in words}
_WRITTEN = {dtype: dtype if dtype.startswith(("int", "uint")) else words[0] for dtype, words in _TYPES.items()}
_TO_LPS = {
    "left-posterior-superior": (1, 1, 1), "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1), "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1), "las": (1, -1, 1),
}  # fmt: skip
_TO_MM = {
    "mm": 1.0, "millimeter": 1.0, "millimeters": 1.0, "cm": 10.0, "m": 1000.0, "nm": 1e-6, "": 1.0, "???": 1.0,
    "um": 0.001, "\u00b5m": 0.001, "\u03bcm": 0.001, "micron": 0.001, "microns": 0.001, "micrometer": 0.001,
}  # fmt: skip
_COLOURS = ("rgb-color", "rgba-color", "3-color", "4-color")
_VECTORS = ("vector", "3-vector", "4-vector")
_TIME = "-time"
_NOWHERE = "the file does not say where its voxels lie"
_LABELS = "voxelry labels"
"""The key that holds the labels of several volumes as a JSON list."""
_USUAL_HEADER_BYTES = 4 << 20
_MOST_HEADER_BYTES = 64 << 20
_MAGIC = re.compile(rb"NRRD000[1-6]\r?\n")
_END = re.compile(rb"\r?\n\r?\n")


class NrrdFormat:
    """NRRD: voxels, affine in 64 bits, unit, labels of several volumes, and segments of label maps.

    Segments (names, colours and codes) use 3D Slicer's keys, and so do b-values and directions.

    Options: ``compress`` (true: gzip), ``level`` (of gzip: 1, the usual, to 9).
    """

    name = "nrrd"
    suffixes = (".nrrd", ".nhdr")
    description = "NRRD, one file, several volumes as a list"

    @contradictions_refused()
    def read(self, path: str, *, progress: Progress = silent) -> tuple[Volume, ...]:
        """As `VolumeFormat.read`; spaces LPS, RAS and LAS, any order of axes, either byte order, raw and gzip."""
        content = read_start(path, _USUAL_HEADER_BYTES)
        if not _MAGIC.match(content):
            raise FormatError("this is no NRRD file: it does not begin with NRRD0001 to NRRD0006")
        end = _END.search(content)
        if end is None and len(content) == _USUAL_HEADER_BYTES:  # thousands of segments
            content = read_start(path, _MOST_HEADER_BYTES)
            end = _END.search(content)
        fields, keys = _fields(content[: end.start()] if end else content)
        place, start = path, len(content) if end is None else end.end()
        if (name := fields.get("data file", fields.get("datafile"))) is not None:
            place, start = _beside(path, name), 0
        elif end is None:
            raise FormatError("the header does not end with an empty line: the file is damaged, or ends too early")
        layout = _layout(fields, layered="Segment0_ID" in keys or "Segment0_Name" in keys)
        wrapper, dtype = _wrapper(fields), _dtype(fields)
        start = _start(fields, place, start, math.prod(layout.sizes) * dtype.itemsize)
        with ByteSource(place, start=start, wrapper=wrapper) as source:
            array = source.read_array(tuple(reversed(layout.sizes)), dtype, progress=progress)
        ordered = np.ascontiguousarray(np.transpose(array, layout.order)).reshape(layout.shape)
        affine, spacing, warnings = _geometry(fields, layout)
        unit = fields.get("sample units", "").strip('" ')
        labels = _labels(keys.get(_LABELS, ""), len(ordered))
        from voxelry.formats.shared.slicer_segments import slicer_metadata

        described, told = slicer_metadata(keys, len(ordered))
        warnings = (*warnings, *told)
        weighted = slicer_weighting(keys, len(ordered), _measured_in(fields))
        return tuple(
            Volume(
                array=one,
                affine=affine,
                spacing=spacing,
                unit=unit,
                metadata={**known, **own},
                label=label,
                warnings=warnings,
            )
            for one, label, known, own in zip(ordered, labels, described, weighted, strict=True)
        )

    def write(
        self, volumes: Sequence[Volume], path: str, *, options: dict[str, Value], progress: Progress = silent
    ) -> None:
        """As `VolumeFormat.write`; a detached header (``.nhdr``) is not written."""
        level = level_asked(options, self.name)
        first = shared_grid(volumes)
        dtype = shared_dtype(volumes, tuple(_WRITTEN), "NRRD")
        if path.lower().endswith(".nhdr"):
            raise FormatError("a .nhdr file has its voxels in another file; .nrrd holds both, and is written")
        samples = first.array.shape[3:]
        if samples and samples[0] not in (3, 4):
            raise FormatError(f"NRRD's colours have 3 or 4 samples, not {samples[0]}")
        layers = _layers(volumes, dtype)
        head = _header(volumes, first, dtype, layers, compress=level is not None)
        arrays = [volume.array for volume in volumes]
        if len(layers) > 1:  # 3D Slicer wants layers as the fastest axis
            arrays = [np.stack([np.asarray(array) for array in arrays], axis=-1)]
        blocks = voxel_blocks(arrays, dtype)
        with Path(path).open("wb") as file:
            file.write(head.encode())
            if level is None:
                write_blocks(file, blocks, progress=progress)
            else:
                write_deflated(file, blocks, level=level, progress=progress)


def _layers(volumes: Sequence[Volume], dtype: np.dtype[Any]) -> list[list[Segment]]:
    """The segments of each volume, where all of them are label maps that say what their labels mean; else nothing."""
    if dtype.kind != "u" or not all("SegmentSequence" in volume.metadata for volume in volumes):
        return []
    from voxelry.core.segment_items import segments_of

    found = [list(segments_of(volume.metadata).values()) for volume in volumes]
    return found if all(found) else []


def _header(
    volumes: Sequence[Volume],
    first: Volume,
    dtype: np.dtype[Any],
    layers: Sequence[Sequence[Segment]],
    *,
    compress: bool,
) -> str:
    """The header. Axes begin with the fastest: samples or layers, column, row, slice, list."""
    depth, rows, columns, *samples = first.array.shape
    several = [len(volumes)] if len(volumes) > 1 else []
    early, late = (several, []) if len(layers) > 1 else (samples, several)
    sizes = [*early, columns, rows, depth, *late]
    before, after = ["none"] * len(early), ["none"] * len(late)
    colours = [f"{'RGB' if one == 3 else 'RGBA'}-color" for one in samples]
    kinds = [*(["list"] if len(layers) > 1 else colours), *["domain"] * 3, *["list"] * len(late)]
    lines = [
        "NRRD0005",
        f"type: {_WRITTEN[dtype.name]}",
        f"dimension: {len(sizes)}",
    ]
    if first.affine is not None:
        directions = [_vector(first.affine[:3, axis]) for axis in (2, 1, 0)]
        lines += [
            "space: left-posterior-superior",
            f"sizes: {' '.join(map(str, sizes))}",
            f"space directions: {' '.join([*before, *directions, *after])}",
            f"space origin: {_vector(first.affine[:3, 3])}",
            'space units: "mm" "mm" "mm"',
        ]
    else:
        known = ["nan" if one is None else repr(float(one)) for one in reversed(first.spacing)]
        lines += [
            f"sizes: {' '.join(map(str, sizes))}",
            f"spacings: {' '.join(['nan'] * len(before) + known + ['nan'] * len(after))}",
        ]
    lines += [f"kinds: {' '.join(kinds)}", "endian: little", f"encoding: {'gzip' if compress else 'raw'}"]
    if first.unit and first.unit.isprintable() and all(one.unit == first.unit for one in volumes):
        lines.append(f'sample units: "{first.unit}"')
    if any(one.label for one in volumes):
        lines.append(f"{_LABELS}:={json_text([one.label for one in volumes])}".replace("\\", "\\\\"))
    if layers:
        from voxelry.formats.shared.slicer_segments import slicer_keys

        lines += slicer_keys(layers, (depth, rows, columns))
    else:
        lines += diffusion_keys(volumes)
    return "\n".join(lines) + "\n\n"


def _vector(numbers: npt.NDArray[np.float64]) -> str:
    return f"({','.join(repr(float(number)) for number in numbers)})"


# --- reading ----------------------------------------------------------------------------------------------------------


class _Layout(NamedTuple):
    """How the file's axes map to a Volume's.

    Attributes
    ----------
    sizes
        Sizes in the header's order, the fastest axis first.
    space
        Which axes are column, row and slice.
    order
        Transposition of the stored array to ``(list, slice, row, column, samples)``; absent axes left out.
    shape
        Shape after the transposition.
    """

    sizes: tuple[int, ...]
    space: tuple[int, ...]
    order: tuple[int, ...]
    shape: tuple[int, ...]


def _fields(content: bytes) -> tuple[dict[str, str], dict[str, str]]:
    """Parse the header's fields, with names in lower case, and keys."""
    fields: dict[str, str] = {}
    keys: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").splitlines()[1:]:
        if line.startswith("#"):
            continue
        key, mark, value = line.partition(":=")
        name, colon, field = line.partition(": ")
        if mark and (not colon or len(key) < len(name)):
            keys[key] = value.replace("\\\\", "\\")
        elif colon:
            fields[name.strip().lower()] = field.strip()
    return fields, keys


def _needed(fields: Mapping[str, str], name: str) -> str:
    if name not in fields:
        raise FormatError(f"the header has no field {name!r}, which NRRD demands")
    return fields[name]


def _layout(fields: Mapping[str, str], *, layered: bool) -> _Layout:
    """How the axes lie; ``layered`` if an axis outside of space is of segments' layers, whatever its kind."""
    words = _needed(fields, "sizes").split()
    if not words or len(words) > 16 or not all(word.isdecimal() and 0 < len(word) < 19 for word in words):
        raise FormatError("the header's sizes are no whole numbers")
    sizes = tuple(map(int, words))
    if min(sizes) < 1 or _needed(fields, "dimension") != str(len(sizes)):
        raise FormatError(f"the header's sizes {sizes} contradict its dimension, or there are no voxels")
    count = len(sizes)
    kinds = [kind.lower() for kind in fields.get("kinds", "").split()]
    kinds = kinds if len(kinds) == count else [""] * count
    directions = _directions(fields)
    if len(directions) == count:
        space = [axis for axis in range(count) if directions[axis] is not None]
    elif "domain" in kinds or "space" in kinds:
        space = [axis for axis in range(count) if kinds[axis] in ("domain", "space")]
    else:
        space = list(range(min(3, count)))
    if len(space) not in (2, 3):
        raise FormatError(f"{len(space)} of the header's {count} axes lie in space, and three are needed")
    others = [axis for axis in range(count) if axis not in space]
    samples = [axis for axis in others if not layered and _is_samples(axis, kinds[axis], sizes[axis])][:1]
    lists = [axis for axis in others if axis not in samples]
    ones = [axis for axis in lists if sizes[axis] == 1]
    several = [axis for axis in lists if axis not in ones]
    if len(several) > 1:
        raise FormatError(f"besides space and colour there are {len(several)} axes: one is read, as several volumes")
    ours = [*ones, *several, *reversed(space), *samples]
    shape = [sizes[axis] for axis in several] or [1]
    shape += [1] * (3 - len(space)) + [sizes[axis] for axis in reversed(space)] + [sizes[axis] for axis in samples]
    return _Layout(sizes, tuple(space), tuple(count - 1 - axis for axis in ours), tuple(shape))


def _is_samples(axis: int, kind: str, size: int) -> bool:
    return kind in _COLOURS or (kind in _VECTORS and axis == 0 and size in (3, 4))


def _dtype(fields: Mapping[str, str]) -> np.dtype[Any]:
    word = _needed(fields, "type").lower()
    if word not in _DTYPES:
        raise FormatError(f"voxels of NRRD's type {word!r} are not read")
    dtype = np.dtype(_DTYPES[word])
    if dtype.itemsize == 1:
        return dtype
    endian = _needed(fields, "endian").lower()
    if endian not in ("little", "big"):
        raise FormatError(f"the header's endian is {endian!r}, neither little nor big")
    return dtype.newbyteorder("<" if endian == "little" else ">")


def _wrapper(fields: Mapping[str, str]) -> str:
    encoding = _needed(fields, "encoding").lower()
    if encoding not in ("raw", "gzip", "gz"):
        raise FormatError(f"NRRD's encoding {encoding!r} is not read; raw and gzip are")
    return "" if encoding == "raw" else "gzip"


def _start(fields: Mapping[str, str], place: str, start: int, voxel_bytes: int) -> int:
    """The offset of the voxels in their file; ``start`` is the offset behind the header.

    Raises
    ------
    FormatError
        If bytes are to be skipped in a compressed stream, or their number is not a number.
    """
    lines, count = (fields.get(name, fields.get(name.replace(" ", ""), "0")) for name in ("line skip", "byte skip"))
    if lines == count == "0":
        return start
    if _wrapper(fields):
        raise FormatError("a line skip or byte skip before compressed voxels is not read")
    if not (lines.isdecimal() and (count.isdecimal() or count == "-1") and len(lines + count) < 18):
        raise FormatError("the header's line skip and byte skip are no whole numbers from 0 on, nor is the latter -1")
    if count == "-1":  # The voxels end where the file ends.
        return max(start, Path(place).stat().st_size - voxel_bytes)
    with Path(place).open("rb") as file:
        file.seek(start)
        for _ in range(int(lines)):
            if not file.readline(_MOST_HEADER_BYTES):
                raise FormatError("the header's line skip is of more lines than the file has")
        begin = file.tell() + int(count)
    if begin > Path(place).stat().st_size:
        raise FormatError("the header's byte skip leads beyond the end of the file")
    return begin


def _beside(path: str, name: str) -> str:
    """The path of the only file of voxels that a header names."""
    if name.split()[:1] == ["LIST"] or ("%" in name and len(name.split()) > 1):
        raise FormatError("the header's voxels are in a list of files; only one beside it is read")
    return beside(path, name.removeprefix("./"))


def _vectors(text: str) -> list[tuple[float, ...] | None]:
    """Vectors in parentheses, or ``none`` for an axis that is not spatial."""
    found: list[tuple[float, ...] | None] = []
    for word in re.findall(r"\([^()]*\)|none", text):
        try:
            found.append(None if word == "none" else tuple(float(number) for number in word[1:-1].split(",")))
        except ValueError:
            raise FormatError(f"{word!r} in the header is no vector") from None
    return found


def _directions(fields: Mapping[str, str]) -> list[tuple[float, ...] | None]:
    """The vector of each axis, None for an axis that is not spatial; empty if the header has none.

    Raises
    ------
    FormatError
        If space and time are mixed.
    """
    found = _vectors(fields.get("space directions", ""))
    known = [one for one in found if one is not None]
    if len(known) != 4 or any(len(one) != 4 for one in known):
        return found
    times = [one for one in known if one[3]]
    if len(times) != 1 or any(times[0][:3]):
        raise FormatError("the header's fourth axis leans into space, which no volume can")
    return [None if one is None or one[3] else one[:3] for one in found]


def _measured_in(fields: Mapping[str, str]) -> npt.NDArray[np.float64] | None:
    """From the measurement frame to LPS; None where that is unknown, or damaged: voxels do not depend on it."""
    try:
        return measurement_frame(_vectors(fields.get("measurement frame", "")), _TO_LPS.get(_space(fields)))
    except FormatError:
        return None


def _space(fields: Mapping[str, str]) -> str:
    """The file's space, without time."""
    space = fields.get("space", "").lower()
    if space.endswith(_TIME):
        return space.removesuffix(_TIME)
    return space[:-1] if space[:-1] in _TO_LPS and space[-1:] == "t" else space


@np.errstate(over="ignore", invalid="ignore")  # Values that overflow are refused below.
def _geometry(fields: Mapping[str, str], layout: _Layout) -> tuple[npt.NDArray[np.float64] | None, Spacing, Any]:
    """The affine, the spacing, and warnings."""
    space = _space(fields)
    directions = _directions(fields)
    placed = [directions[axis] for axis in layout.space] if len(directions) == len(layout.sizes) else []
    vectors = [one for one in placed if one is not None]
    origin = [one[:3] for one in _vectors(fields.get("space origin", ""))[:1] if one is not None]
    if len(vectors) == len(layout.space) and all(len(one) == len(vectors[0]) for one in (*vectors, *origin)):
        scale = _millimetres(_quoted(fields.get("space units", ""))[:3])
        if len(vectors) == len(vectors[0]) == 3:
            return _affine(space, np.array(vectors) * scale, np.array(origin) * scale)
        known = [_length(float(np.linalg.norm(one)) * scale) for one in vectors]
        return None, (None, known[1], known[0]), (f"{_NOWHERE}: it has two axes in space, and no third",)
    known = [None] * len(layout.sizes)
    try:
        numbers = [float(word) for word in fields.get("spacings", "").split()]
    except ValueError:
        raise FormatError("the header's spacings are no numbers") from None
    if len(numbers) == len(known):
        units = _quoted(fields.get("units", ""))
        scale = _millimetres([units[axis] for axis in layout.space] if len(units) == len(known) else units)
        known = [_length(one * scale) for one in numbers]
    column, row, *along = (known[axis] for axis in layout.space)
    words = f"{_NOWHERE}: it has no space directions"
    return None, (along[0] if along else None, row, column), (words,)


def _length(found: float) -> float | None:
    return abs(found) if math.isfinite(found) and found else None


def _affine(
    space: str, vectors: npt.NDArray[np.float64], origin: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64] | None, Spacing, tuple[str, ...]]:
    """The affine, spacing and warnings; the affine is None, with a warning, if the space is not the patient's."""
    affine = np.eye(4)
    affine[:3, :3] = vectors[::-1].T
    if space in _TO_LPS and len(origin):
        affine[:3, 3] = origin[0]
        affine[:3] *= np.array(_TO_LPS[space])[:, None]
        affine = check_affine(affine + 0.0)
        return affine, spacing_of(affine), ()
    words = f"{_NOWHERE}: its space is {space!r}" + ("" if len(origin) else ", no origin")
    return None, spacing_of(check_affine(affine)), (words,)


def _quoted(text: str) -> list[str]:
    return re.findall(r'"([^"]*)"', text)


def _millimetres(units: Sequence[str]) -> float:
    """Millimetres per unit of the header's lengths.

    Raises
    ------
    FormatError
        If the unit is unknown, or differs between axes.
    """
    lengths = {_TO_MM.get(unit.strip().lower()) for unit in units} or {1.0}
    if None in lengths or len(lengths) > 1:
        raise FormatError(f"the header's lengths are in units that are not read: {', '.join(map(repr, units))}")
    (found,) = lengths
    return found or 1.0


def _labels(text: str, count: int) -> list[str]:
    """The labels of several volumes: from our own key, else numbers."""
    try:
        found = json_value(text) if text else None
    except FormatError:
        found = None
    if isinstance(found, list) and len(found) == count and all(isinstance(one, str) for one in found):
        return [str(one) for one in found]
    return [f"volume {number}" for number in range(1, count + 1)] if count > 1 else [""]


FORMAT = NrrdFormat()

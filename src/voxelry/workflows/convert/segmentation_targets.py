"""A segmentation as a file that holds no volume: surfaces, contours, a table of segments, or a DICOM segmentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias, cast

import numpy as np

from voxelry.core.errors import MeasureError, ParameterError, UnplacedError
from voxelry.core.progress import Progress
from voxelry.core.segment_items import colour_of
from voxelry.core.segmentation import Code, Segment, Segmentation
from voxelry.core.statistics import ValueStatistics, statistics
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.dicom.objects.segment_planes import SegmentationKind
from voxelry.dicom.objects.segmentation import write_segmentation
from voxelry.dicom.objects.structure_set_writing import write_structure_set
from voxelry.dicom.series.hierarchy import Series
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.write.writing import Written
from voxelry.formats.shared.options import check_options, text_option
from voxelry.steps.shared.meshes import Mesh, as_ply, as_stl, joined_meshes, mesh_of
from voxelry.workflows.convert.segmentation_formats import SegmentationFormat
from voxelry.workflows.files.atomic import published
from voxelry.workflows.files.csv_table import write_csv

_OPTIONS: Final[dict[SegmentationFormat, tuple[str, ...]]] = {
    "seg": ("description", "kind"),
    "rtstruct": ("description", "holes", "label", "threshold"),
    "stl": ("smooth", "threshold"),
    "ply": ("smooth", "threshold"),
    "csv": ("threshold",),
}
_CODED: Final = ("category", "type", "type_modifier", "anatomic_region", "region_modifier")

Source: TypeAlias = Stack | Series | Sequence[Stack]


def write_segmentation_file(
    segmentation: Segmentation,
    path: Path,
    kind: SegmentationFormat,
    *,
    source: Source | None,
    volume: Volume | None,
    options: Mapping[str, Value],
    same_frame_of_reference: bool,
    progress: Progress,
) -> Written:
    """Write a segmentation; the file appears when it is whole, and one that is there is replaced.

    Parameters
    ----------
    source
        The images that it lies on, which ``seg`` and ``rtstruct`` need.
    volume
        The image whose values ``csv`` tells; None for sizes alone.

    Raises
    ------
    ParameterError
        If an option is none, the images are missing, or fractions have no threshold.
    UnplacedError
        If it has no place, which surfaces and contours need.
    MeasureError
        If all segments are empty, and have no surface.
    """
    check_options(options, _OPTIONS[kind], kind)
    threshold = _number(options, "threshold")
    match kind:
        case "csv":
            _write_table(segmentation, volume, path, threshold, same_frame_of_reference=same_frame_of_reference)
            return Written((path,), "", segmentation.warnings)
        case "stl" | "ply":
            return _write_surfaces(segmentation, path, kind, threshold, _number(options, "smooth") or 0.0, progress)
    if source is None:
        raise ParameterError(
            f"{kind} joins the study of its images: give them (source= of voxelry.save, images= of voxelry.convert, "
            "--images in the terminal)"
        )
    if kind == "rtstruct":
        given = {
            keyword: text
            for keyword, name in (("holes", "holes"), ("label", "label"), ("series_description", "description"))
            if (text := text_option(options, name))
        }
        return write_structure_set(
            segmentation, source, path, threshold=threshold, same_frame_of_reference=same_frame_of_reference,
            progress=progress, **given,  # type: ignore[arg-type]
        )  # fmt: skip
    return write_with_options(
        segmentation, source, path, options, same_frame_of_reference=same_frame_of_reference, progress=progress
    )


def write_with_options(
    segmentation: Segmentation,
    source: Source,
    path: Path,
    options: Mapping[str, Value],
    *,
    same_frame_of_reference: bool = False,
    progress: Progress,
) -> Written:
    """Write a DICOM segmentation by the options ``kind`` and ``description``; its own warnings are told too."""
    written = write_segmentation(
        segmentation,
        source,
        path,
        kind=cast("SegmentationKind", text_option(options, "kind") or "binary"),
        description=text_option(options, "description") or "segmented",
        same_frame_of_reference=same_frame_of_reference,
        progress=progress,
    )
    return replace(written, warnings=tuple(dict.fromkeys((*segmentation.warnings, *written.warnings))))


def _number(options: Mapping[str, Value], name: str) -> float | None:
    found = options.get(name)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or found < 0:
        raise ParameterError(f"{name} is a number from 0 on, not {found!r}")
    return float(found)


# --- surfaces ---------------------------------------------------------------------------------------------------------


def _write_surfaces(
    segmentation: Segmentation,
    path: Path,
    kind: Literal["stl", "ply"],
    threshold: float | None,
    smooth: float,
    progress: Progress,
) -> Written:
    affine = segmentation.geometry.affine
    if affine is None:
        raise UnplacedError("the place of this segmentation in the patient is unknown, and a surface is points in it")
    meshes: list[Mesh] = []
    colours = []
    empty = []
    for index, segment in enumerate(segmentation.segments):
        progress(index / len(segmentation.segments), "making surfaces")
        mesh = mesh_of(segmentation.mask(segment.number, threshold=threshold), affine, smooth_mm=smooth)
        if mesh is None:
            empty.append(f"segment {segment.number} is empty: it has no surface")
            continue
        meshes.append(mesh)
        colour = np.array(colour_of(segment, segment.number), np.uint8)
        colours.append(np.broadcast_to(colour, (len(mesh.vertices), 3)))
    if not meshes:
        raise MeasureError("all segments are empty: there is no surface to write")
    whole = joined_meshes(meshes)
    content = as_stl(whole) if kind == "stl" else as_ply(whole, np.concatenate(colours))
    with published(path) as aside:
        aside.write_bytes(content)
    progress(1.0, "written")
    return Written((path,), "", (*segmentation.warnings, *empty))


# --- a table ----------------------------------------------------------------------------------------------------------


def segment_rows(
    segmentation: Segmentation,
    volume: Volume | None = None,
    *,
    threshold: float | None = None,
    same_frame_of_reference: bool = False,
) -> list[dict[str, Value]]:
    """A row for each segment: what it is, its count and mm3, and the image's values in it.

    Parameters
    ----------
    volume
        The image; None for sizes alone.
    threshold, same_frame_of_reference
        As for ``statistics``.
    """
    rows = [_described(segment) for segment in segmentation.segments]
    if volume is None:
        for row, segment in zip(rows, segmentation.segments, strict=True):
            row["count"] = segmentation.count(segment.number, threshold=threshold)
            row["mm3"] = segmentation.volume_mm3(segment.number, threshold=threshold)
        return rows
    found = statistics(volume, segmentation, threshold=threshold, same_frame_of_reference=same_frame_of_reference)
    for row, one in zip(rows, found, strict=True):
        row |= {"count": one.count, "mm3": one.mm3, "unit": one.unit, "missing": one.missing}
        row |= {f"values_{field.name}": getattr(one.values, field.name) for field in fields(ValueStatistics)}
    return rows


def _described(segment: Segment) -> dict[str, Value]:
    row: dict[str, Value] = {"number": segment.number, "label": segment.label}
    for name in _CODED:
        code: Code | None = getattr(segment, name)
        row[name] = None if code is None else f"{code.value}, {code.scheme}, {code.meaning}"
    colour = segment.colour
    row["colour"] = None if colour is None else f"#{colour[0]:02x}{colour[1]:02x}{colour[2]:02x}"
    return {**row, "algorithm_type": segment.algorithm_type, "algorithm": segment.algorithm}


def _write_table(
    segmentation: Segmentation,
    volume: Volume | None,
    path: Path,
    threshold: float | None,
    *,
    same_frame_of_reference: bool,
) -> None:
    rows = segment_rows(segmentation, volume, threshold=threshold, same_frame_of_reference=same_frame_of_reference)
    with published(path) as aside, aside.open("w", encoding="utf-8", newline="") as file:
        write_csv(file, list(rows[0]), (row.values() for row in rows))

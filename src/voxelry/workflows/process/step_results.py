"""The results of a step as files: DICOM series and segmentations, tables, and a manifest that describes them."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from voxelry.core.errors import ExistsError, FormatError, ParameterError
from voxelry.core.progress import Progress, part, silent
from voxelry.core.segment_items import items_of
from voxelry.core.segmentation import Segmentation
from voxelry.core.steps import Params, Row, Step, StepResult
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.dicom.headers.sources import StrPath
from voxelry.dicom.objects.segment_planes import SegmentationKind
from voxelry.dicom.objects.segmentation import write_segmentation
from voxelry.dicom.series.hierarchy import Series
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.write.provenance import VERSION
from voxelry.workflows.convert.targets import DICOM, find_target
from voxelry.workflows.files.csv_table import finite, write_csv
from voxelry.workflows.files.results_folder import MANIFEST, check_replaceable, filled, is_taken
from voxelry.workflows.load.volume_batches import Batch
from voxelry.workflows.process.derived_series import write_derived

WITHOUT_DICOM = "nifti"
"""The format of results whose source is not DICOM."""

OutputKind: TypeAlias = Literal["volume", "segmentation", "rows", "file"]


@dataclass(frozen=True, eq=False)
class SavedOutput:
    """One of the things that a result consists of.

    Attributes
    ----------
    path
        Relative to the result's folder; ``"."`` for a series that lies in the folder itself.
    files
        All of it, relative to the folder.
    facts
        What is to be said of it: shape, spacing, unit, UIDs, segments, ...; JSON values.
    kind
        ``"volume"``, ``"segmentation"``, ``"rows"`` or ``"file"``.
    format
        ``"dicom"``, a format's name, or the kind of file.

    Examples
    --------
    >>> [done] = voxelry.process("sample/phantom", "threshold", out="above").results
    >>> [output.path for output in done.saved.outputs if isinstance(output, voxelry.SavedOutput)]
    ['segmentation.dcm', 'rows.json']
    """

    kind: OutputKind
    format: str
    path: str
    files: tuple[str, ...]
    facts: Mapping[str, Value]

    @property
    def record(self) -> dict[str, Value]:
        """As JSON."""
        return {"kind": self.kind, "format": self.format, "path": self.path, "files": len(self.files), **self.facts}


@dataclass(frozen=True, eq=False)
class SavedResult:
    """A result in a folder.

    Attributes
    ----------
    outputs
        In the order volumes, segmentation, rows, files.
    manifest
        What ``result.json`` holds.
    folder
        Where it lies.
    warnings
        What a user must know before trusting the result; sentences without patients' values.

    Examples
    --------
    >>> [done] = voxelry.process("sample/phantom", "threshold", out="above").results
    >>> isinstance(done.saved, voxelry.SavedResult), done.saved.folder.name
    (True, 'above')
    >>> done.saved.manifest["step"]
    'threshold'
    """

    folder: Path
    outputs: tuple[SavedOutput, ...]
    warnings: tuple[str, ...]
    manifest: Mapping[str, Value]

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file but the manifest."""
        return tuple(self.folder / name for output in self.outputs for name in output.files)


def save_result(
    result: StepResult,
    folder: StrPath,
    *,
    source: Stack | Series | Sequence[Stack] | None = None,
    step: Step[Any] | str = "",
    params: Params | Mapping[str, object] | None = None,
    inputs: Sequence[Volume] = (),
    format: str | None = None,  # noqa: A002 - its public name
    options: Mapping[str, Value] | None = None,
    segmentation: SegmentationKind = "binary",
    seed: str | None = None,
    created: datetime | None = None,
    same_frame_of_reference: bool = False,
    overwrite: bool = False,
    progress: Progress = silent,
) -> SavedResult:
    """Write a step's result into a folder of its own, which appears, or is filled, when all of it is whole.

    A single DICOM volume lies in the folder itself; several, or one beside a segmentation, in ``volume-1``,
    ``volume-2`` and so on. A segmentation is ``segmentation.dcm``, rows are ``rows.json`` and ``rows.csv``, and
    ``result.json`` tells the step, its parameters, the inputs' UIDs, the outputs and the warnings.

    Parameters
    ----------
    folder
        Not there yet, or empty.
    source
        The DICOM images that it was computed from: volumes become series, and the segmentation a SEG, of their study.
    step, params, inputs
        What was done, and to what; for the manifest and the DICOM.
    format
        A format by name instead of DICOM (``"nifti"``): volumes, and labels as a volume. None for DICOM where
        ``source`` is given, else for NIfTI.
    options
        Of the format.
    segmentation
        The kind of DICOM segmentation.
    seed
        None for random UIDs. The same text, result and source give the same DICOM, byte for byte.
    created
        When; by default now, or not said at all where ``seed`` is given.
    same_frame_of_reference
        As for ``write_segmentation``.
    overwrite
        True to replace a folder that is there.

    Returns
    -------
    saved
        What was written, and the manifest.

    Raises
    ------
    ExistsError
        If the folder is there and not empty.
    FormatError, ParameterError, UnplacedError
        If the format cannot hold the result, in words.

    Examples
    --------
    >>> [done] = voxelry.process("sample/phantom", "threshold").results
    >>> saved = voxelry.save_result(done.result, "above", step="threshold")
    >>> sorted(path.name for path in saved.folder.iterdir())
    ['result.json', 'rows.csv', 'rows.json', 'segmentation.json', 'segmentation.nii.gz']
    """
    target = named_folder(folder)
    if is_taken(target) and not overwrite:
        raise ExistsError(f"{target.name}: is there already and not empty; give the result a folder of its own")
    check_replaceable(target)
    wanted = format or (DICOM if source is not None else WITHOUT_DICOM)
    done = step.name if isinstance(step, Step) else step or "processed"
    with filled(target) as aside:
        writer = _Writer(
            folder=aside, source=source, format=wanted, options=dict(options or {}), done=done,
            description=_plain(f"{done}{_in_words(params)}"), segmentation=segmentation, seed=seed, created=created,
            same_frame_of_reference=same_frame_of_reference,
        )  # fmt: skip
        outputs = writer.all(result, progress)
        warnings = tuple(dict.fromkeys((*result.warnings, *writer.warnings)))
        manifest = _manifest(done, step, params, inputs, outputs, warnings)
        _write_json(aside / MANIFEST, manifest)
    progress(1.0, "saved")
    return SavedResult(target, tuple(outputs), warnings, manifest)


def named_folder(path: StrPath) -> Path:
    """The path by a name that can be given to something else, which "." and ".." have not; links stay."""
    found = Path(path)
    return found if found.name not in ("", "..") else Path(os.path.abspath(found))  # noqa: PTH100


@dataclass(frozen=True, eq=False, kw_only=True)
class _Writer:
    """Writes the parts of a result into a folder."""

    folder: Path
    source: Stack | Series | Sequence[Stack] | None
    format: str
    options: Mapping[str, Value]
    done: str
    description: str
    segmentation: SegmentationKind
    seed: str | None
    created: datetime | None
    same_frame_of_reference: bool
    warnings: list[str] = field(default_factory=list)

    def all(self, result: StepResult, progress: Progress) -> list[SavedOutput]:
        outputs: list[SavedOutput] = []
        count = len(result.volumes) + (result.segmentation is not None)
        for number, volume in enumerate(result.volumes):
            name = "volume" if count == 1 else f"volume-{number + 1}"
            outputs.append(self._volume(volume, name, count, part(progress, number / count, (number + 1) / count)))
        if result.segmentation is not None:
            outputs.append(self._segmented(result.segmentation, part(progress, (count - 1) / count, 1)))
        if result.rows:
            outputs.append(self._rows(result.rows))
        for name, content in result.files.items():
            _check_name(name)
            (self.folder / name).write_bytes(content)
            outputs.append(SavedOutput("file", Path(name).suffix.lstrip("."), name, (name,), {"bytes": len(content)}))
        return outputs

    def _volume(self, volume: Volume, name: str, count: int, progress: Progress) -> SavedOutput:
        facts = _facts(volume)
        self.warnings.extend(volume.warnings)
        if self.format != DICOM or self.source is None:
            path, files = self._in_format(volume, name, progress)
            return SavedOutput("volume", self.format, path, files, facts)
        own = "." if count == 1 else name
        seed = None if self.seed is None else f"{self.seed} {name}"
        written = write_derived(
            volume, self.source, self.folder / own, description=self.description, series_description=self.done,
            seed=seed, created=self.created, progress=progress,
        )  # fmt: skip
        self.warnings.extend(written.warnings)
        files = tuple(str(path.relative_to(self.folder)) for path in written.paths)
        return SavedOutput("volume", DICOM, own, files, {**facts, "series_instance_uid": written.series_instance_uid})

    def _segmented(self, segmentation: Segmentation, progress: Progress) -> SavedOutput:
        labels = segmentation.labels
        facts: dict[str, Value] = {
            "shape": list(labels.shape),
            "segments": [
                {"number": one.number, "label": one.label, "voxels": int((labels == one.number).sum())}
                for one in segmentation.segments
            ],
        }
        if self.format != DICOM or self.source is None:
            of = segmentation.source
            metadata = {**of.metadata, "SegmentSequence": items_of(segmentation.segments)}
            volume = Volume(array=labels, geometry=of.geometry, metadata=metadata,
                            label="segmentation", instance_uids=of.instance_uids)  # fmt: skip
            path, files = self._in_format(volume, "segmentation", progress)
            return SavedOutput("segmentation", self.format, path, files, facts)
        name = "segmentation.dcm"
        written = write_segmentation(
            segmentation, self.source, self.folder / name, kind=self.segmentation, description=self.description,
            series_description=f"Segmentation {_plain(self.done)}"[:64], seed=self.seed, created=self.created,
            same_frame_of_reference=self.same_frame_of_reference, progress=progress,
        )  # fmt: skip
        self.warnings.extend(written.warnings)
        facts["series_instance_uid"] = written.series_instance_uid
        return SavedOutput("segmentation", DICOM, name, (name,), facts)

    def _in_format(self, volume: Volume, name: str, progress: Progress) -> tuple[str, tuple[str, ...]]:
        """A volume by a registered format, or as pictures."""
        aim = find_target(self.folder / "result", self.format, self.options)
        if aim.name == DICOM:
            raise FormatError("nothing says which DICOM images this was computed from; choose another format")
        before = set(self._names())
        path = self.folder / f"{name}{aim.suffix}"
        batch = Batch(lambda _: (volume,), volume.metadata.get, (volume.array.shape,), (volume.label,), "")
        told = aim.write([volume], path, batch, progress)
        self.warnings.extend(told.warnings)
        return path.name, tuple(sorted(set(self._names()) - before))

    def _names(self) -> list[str]:
        return [str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()]

    def _rows(self, rows: Sequence[Row]) -> SavedOutput:
        columns = list(dict.fromkeys(name for row in rows for name in row))
        strange = [name for name in columns if any(_is_strange(row.get(name)) for row in rows)]
        if strange:
            self.warnings.append(
                f"rows: {', '.join(strange)} hold values that are no finite numbers: null in JSON, as they are in CSV"
            )
        _write_json(self.folder / "rows.json", [{name: finite(row.get(name)) for name in columns} for row in rows])
        with (self.folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
            write_csv(file, columns, ([row.get(name) for name in columns] for row in rows))
        facts: dict[str, Value] = {"rows": len(rows), "columns": [*columns]}
        return SavedOutput("rows", "json", "rows.json", ("rows.json", "rows.csv"), facts)


def _check_name(name: str) -> None:
    plain = name not in ("", ".", "..", MANIFEST, "rows.json", "rows.csv") and Path(name).name == name
    if not plain or name.startswith(".") or "\\" in name or "\0" in name:
        raise ParameterError(f"the step calls a file {name!r}, which is no name of a file in the result's folder")


def _facts(volume: Volume) -> dict[str, Value]:
    return {
        "label": volume.label,
        "shape": list(volume.array.shape),
        "spacing_mm": list(volume.spacing),
        "unit": volume.unit,
        "dtype": str(volume.array.dtype),
    }


# --- the manifest -----------------------------------------------------------------------------------------------------


def _manifest(
    done: str,
    step: Step[Any] | str,
    params: Params | Mapping[str, object] | None,
    inputs: Sequence[Volume],
    outputs: Sequence[SavedOutput],
    warnings: Sequence[str],
) -> dict[str, Value]:
    return {
        "step": done,
        "title": step.title if isinstance(step, Step) else done,
        "voxelry": VERSION,
        "params": params_record(params),
        "inputs": [
            {
                "study_instance_uid": str(volume.metadata.get("StudyInstanceUID") or ""),
                "series_instance_uid": volume.series_instance_uid,
                "label": volume.label,
                "sop_instance_uids": [*dict.fromkeys(volume.instance_uids)],
            }
            for volume in inputs
        ],
        "outputs": [output.record for output in outputs],
        "warnings": list(warnings),
    }


def params_record(params: Params | Mapping[str, object] | None) -> dict[str, Value]:
    """Parameters as JSON."""
    if isinstance(params, Params):
        found: dict[str, Value] = params.model_dump(mode="json")
        return found
    told: dict[str, Value] = json.loads(json.dumps(dict(params or {}), default=str))
    return told


def _in_words(params: Params | Mapping[str, object] | None) -> str:
    """`` (sigma 1, dimensions 3)``, for Derivation Description: numbers and short words, never a name."""
    shown = [f"{name} {value:g}" for name, value in params_record(params).items()
             if isinstance(value, int | float) and not isinstance(value, bool)]  # fmt: skip
    words = f" ({', '.join(shown)})" if shown else ""
    return words if len(words) <= 400 else ""


def _plain(text: str) -> str:
    """As Derivation Description holds it."""
    letters = (letter if letter.isascii() and letter.isprintable() and letter != "\\" else "?" for letter in text)
    return "".join(letters)[:900]


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _is_strange(value: Value) -> bool:
    if isinstance(value, list):
        return any(map(_is_strange, value))
    return isinstance(value, float) and not math.isfinite(value)

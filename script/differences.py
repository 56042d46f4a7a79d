"""What dcm2niix and Voxelry make of the same series, as a table in docs/reference/dcm2niix-differences.md.

    script/differences.py DATA [--dcm2niix PROGRAM]

Each difference belongs to a kind that is explained below; one of no kind is named, and ends the program with 1.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt

import voxelry

TABLE = Path(__file__).parents[1] / "docs/reference/dcm2niix-differences.md"

EXPLAINED = {
    "rounded": "dcm2niix keeps stored values with a slope of 32 bits; Voxelry writes modality values, exact in the "
    "smallest dtype that holds them. They agree to 1 in 100,000.",
    "precise": "Philips: dcm2niix writes its private precise values by default, Voxelry the standard's rescale. The "
    "two differ by a factor.",
    "refused": "The slices form no regular grid, or positions repeat without an attribute that tells volumes apart: "
    "Voxelry refuses and says why; dcm2niix writes what it takes for a volume.",
    "tilt": "dcm2niix writes a tilted stack as if it were straight, and beside it one that it interpolated; Voxelry "
    "writes one file with the tilt in the affine (`--straighten` interpolates).",
    "evened": "dcm2niix interpolates unevenly spaced slices in a second file (`_Eq`); Voxelry does so when asked to "
    "(`--on-irregular resample`).",
    "parts": "dcm2niix writes single images or pieces of a series as files of their own, or leaves them out; Voxelry "
    "stacks those that share a plane and keeps the others apart.",
    "not read": "dcm2niix makes nothing of it: a transfer syntax that it lacks, a secondary capture, or no place.",
    "not pixels": "Voxelry makes nothing of it: the objects hold no pixels, or their data are damaged, and it says so.",
    "no place": "The header has no position or no spacing: dcm2niix reverses the rows of such pictures and takes 1 mm, "
    "or what it can find; Voxelry leaves them as they are, and writes no place and size 0.",
    "order": "The volumes are the same, in another order: by acquisition in Voxelry.",
    "together": "Volumes that the headers tell apart are in one file of the one and in several of the other.",
    "copies": "One image is there several times: Voxelry takes it once, and tells how often.",
    "overlay": "dcm2niix writes overlays as masks (`_ROI1`); Voxelry draws them into pictures (`--overlays`).",
    "time step": "dcm2niix writes one step for every 4-D file, the Repetition Time or the mean of uneven times; "
    "Voxelry the step of even times of acquisition, or the Repetition Time of EPI, else 0 (its sidecar has the times).",
}
"""Kinds of differences in files, and why."""


@dataclass
class SeriesDifference:
    """What became of one series."""

    name: str
    theirs: int = 0
    ours: int = 0
    equal: int = 0
    kinds: list[str] = field(default_factory=list)
    steps: str = ""
    only_theirs: set[str] = field(default_factory=set)
    only_ours: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Written:
    """A NIfTI file in the axes of RAS."""

    path: Path
    values: npt.NDArray[Any]
    affine: npt.NDArray[np.float64]
    step: float
    fields: Mapping[str, Any]
    colour: bool


def read(path: Path) -> Written:
    """A file that one of the two wrote."""
    image: Any = nibabel.load(path)
    turned: Any = nibabel.as_closest_canonical(image)
    values = np.asanyarray(turned.dataobj)
    colour = values.dtype.names is not None
    if colour:
        values = np.stack([values[name] for name in values.dtype.names], axis=-1)
    beside = path.with_suffix(".json")
    fields = json.loads(beside.read_text("utf-8")) if beside.is_file() else {}
    step = float(image.header["pixdim"][4]) if image.header["dim"][0] >= 4 else 0.0
    return Written(path, values, turned.affine, step, fields, colour)


def by_series(folder: Path) -> dict[str, list[Path]]:
    """Files by Series Instance UID, with which their names begin."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.nii")):
        uid = re.match(r"[0-9.]+[0-9]", path.name.removesuffix(".nii"))
        if uid is not None and uid[0].count(".") > 1:  # and no file of another format, under its own name
            found.setdefault(uid[0], []).append(path)
    return found


def compare(name: str, theirs: Sequence[Path], ours: Sequence[Path], codes: set[str]) -> SeriesDifference:
    """Find what differs, file by file, and of which kind it is."""
    told = SeriesDifference(name, len(theirs), len(ours))
    left = [read(path) for path in ours]
    kinds: dict[str, None] = {}
    for one in map(read, theirs):
        if "_Tilt" in one.path.name:
            kinds["tilt"] = None
            continue
        if "_Eq" in one.path.name:
            kinds["evened"] = None
            continue
        if "_ROI" in one.path.name:
            kinds["overlay"] = None
            continue
        fellows = [other for other in left if other.values.shape == one.values.shape]
        if not fellows:
            kinds[_missing(one, ours, codes)] = None
            continue
        best = min(fellows, key=lambda other: _distance(one, other))
        left.remove(best)
        own = dict.fromkeys(_differing(one, best))
        told.equal += not own
        kinds |= own
        if one.step != best.step and not np.isclose(one.step, best.step, rtol=1e-4):
            kinds["time step"] = None
            told.steps = f"{one.step:g}, {best.step:g}"
        told.only_theirs |= one.fields.keys() - best.fields.keys()
        told.only_ours |= best.fields.keys() - one.fields.keys()
    if left:
        kinds["parts" if theirs else "not read"] = None
    told.kinds = list(kinds)
    return told


def _missing(one: Written, ours: Sequence[Path], codes: set[str]) -> str:
    if codes & {"no_pixel_data", "pixel_data", "truncated", "transfer_syntax"} and not ours:
        return "not pixels"
    if not ours:
        return "refused"
    if "duplicate" in codes:
        return "copies"
    return "together" if one.values.ndim == 4 and not one.colour else "parts"


def _distance(one: Written, other: Written) -> tuple[float, float]:
    flipped = np.flip(one.values, 1) if _unplaced(other) else one.values
    values = float(np.abs(flipped.astype(np.float64) - other.values).mean())
    return values, float(np.abs(one.affine - other.affine).max())


def _differing(one: Written, other: Written) -> list[str]:
    found = []
    if not np.allclose(one.affine, other.affine, rtol=0, atol=2e-3):
        shear = np.abs(np.linalg.inv(_axes(other)) - _axes(other).T).max() > 1e-4
        found.append("no place" if _unplaced(other) else "tilt" if shear else "place")
    if not np.array_equal(one.values, other.values):
        found.append(_kind_of_values(one, other))
    if "values" in found and np.array_equal(np.flip(one.values, 1), other.values) and _unplaced(other):
        found = ["no place"]
    return found


def _unplaced(one: Written) -> bool:
    return int(nibabel.Nifti1Image.from_filename(one.path).header["sform_code"]) == 0


def _axes(one: Written) -> npt.NDArray[np.float64]:
    axes = one.affine[:3, :3]
    return np.asarray(axes / np.linalg.norm(axes, axis=0))


def _kind_of_values(theirs: Written, ours: Written) -> str:
    one, other = theirs.values.astype(np.float64), ours.values.astype(np.float64)
    if np.allclose(one, other, rtol=1e-5, atol=1e-5 * max(1.0, float(np.abs(other).max()))):
        return "rounded"
    known = np.abs(other) > 1e-6 * float(np.abs(other).max() or 1)
    if known.any() and np.ptp(ratio := one[known] / other[known]) < 1e-4 * abs(float(ratio.mean())):
        return "precise"
    if (
        one.ndim == 4
        and not theirs.colour
        and sorted(one.sum((0, 1, 2)).tolist()) == sorted(other.sum((0, 1, 2)).tolist())
    ):
        return "order"
    return "values"


def differences(data: Path, program: str) -> list[SeriesDifference]:
    """Of every folder of the data."""
    found: list[SeriesDifference] = []
    for source in sorted(path for path in data.iterdir() if path.is_dir()):
        with TemporaryDirectory() as scratch:
            theirs, ours = Path(scratch, "theirs"), Path(scratch, "ours")
            theirs.mkdir()
            subprocess.run(
                [program, "-z", "n", "-b", "y", "-d", "9", "-f", "%j", "-o", str(theirs), str(source)],
                capture_output=True, check=False, timeout=600,
            )  # fmt: skip
            report = voxelry.convert(source, ours, format=".nii", name="{series_uid}")
            codes = {problem.code for problem in report.skipped.values()}
            if any("duplicate slices" in words for one in report.written for words in one.warnings):
                codes.add("duplicate")
            made, mine = by_series(theirs), by_series(ours)
            for number, uid in enumerate(sorted({*made, *mine}), 1):
                name = source.name if len({*made, *mine}) == 1 else f"{source.name} ({number})"
                found.append(compare(name, made.get(uid, []), mine.get(uid, []), codes))
    return found


def unexplained(found: Sequence[SeriesDifference]) -> set[str]:
    """Kinds of differences that no text explains."""
    return {kind for one in found for kind in one.kinds} - EXPLAINED.keys()


def table(found: Sequence[SeriesDifference], version: str) -> str:
    """The page."""
    rows = [
        f"| {one.name} | {one.theirs} | {one.ours} | {one.equal} | {', '.join(one.kinds) or 'none'} | {one.steps} |"
        for one in found
    ]
    used = {kind for one in found for kind in one.kinds}
    kinds = [f"- **{kind}**: {words}" for kind, words in EXPLAINED.items() if kind in used]
    theirs = sorted(set[str]().union(*(one.only_theirs for one in found)))
    ours = sorted(set[str]().union(*(one.only_ours for one in found)))
    return "\n".join([
        "# Differences to dcm2niix",
        "",
        f"Made by `script/differences.py` from every series of the tests' real data, by dcm2niix {version}. Files",
        "are compared in the axes of RAS, because dcm2niix reverses rows; *equal* counts those with the same values",
        "and the same place.",
        "",
        "| series | files of dcm2niix | files of Voxelry | equal | differences | time step: theirs, ours |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
        "## Why",
        "",
        *kinds,
        "",
        "## Sidecars",
        "",
        "Fields that dcm2niix alone writes for some series: dates, times, names of devices and descriptions may lead",
        "to a patient and are left out; others repeat what the NIfTI header says, or are of one maker's names:",
        f"{', '.join(f'`{key}`' for key in theirs) or 'none'}.",
        "",
        "Fields that Voxelry alone writes for some series:",
        f"{', '.join(f'`{key}`' for key in ours) or 'none'}.",
        "",
    ])  # fmt: skip


def version_of(program: str) -> str:
    """As dcm2niix tells it."""
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    return next((word.strip("v") for word in told.split() if word.startswith("v1.")), "of unknown version")


def main() -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--dcm2niix", default="dcm2niix")
    parser.add_argument("--out", type=Path, default=TABLE)
    asked = parser.parse_args()
    found = differences(asked.data, asked.dcm2niix)
    asked.out.write_text(table(found, version_of(asked.dcm2niix)), encoding="utf-8")
    wrong = unexplained(found)
    for kind in sorted(wrong):
        print(f"not explained: {kind}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

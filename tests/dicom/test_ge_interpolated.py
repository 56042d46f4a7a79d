"""Echo spacing of GE's images that were interpolated to more pixels than lines were acquired."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

import voxelry
from tests.dicom.newest_dcm2niix import sidecar_by_newest, with_newest
from voxelry.testing import synthetic_series

SPACING = 564


def written(folder: Path, rows: int, *, lines: int = 80, share: str = "0.5", options: tuple[str, ...] = ()) -> None:
    """Echo planar images of one acquisition, reconstructed with a number of rows."""

    def edit(_: int, dataset: Dataset) -> None:
        dataset.AcquisitionMatrix, dataset.ScanOptions = [lines, 0, 0, lines], ["EPI_GEMS", *options]
        own = dataset.private_block(0x43, "GEMS_PARM_01", create=True)
        own.add_new(0x2C, "SS", SPACING)
        own.add_new(0x83, "DS", [share, "1"])

    attributes = {
        "Manufacturer": "GE MEDICAL SYSTEMS", "MRAcquisitionType": "2D", "ScanningSequence": ["EP", "GR"],
        "InPlanePhaseEncodingDirection": "COL", "RepetitionTime": "2000", "EchoTime": "30",
    }  # fmt: skip
    synthetic_series(
        folder, modality="MR", rescale=None, rows=rows, columns=rows, slices=3, attributes=attributes, edit=edit,
        spacing=(3.0, 240 / rows, 240 / rows),
    )  # fmt: skip


def told(folder: Path) -> dict[str, Any]:
    assert voxelry.convert(folder / "in", folder / "ours.nii").complete
    found: dict[str, Any] = json.loads((folder / "ours.json").read_text())
    return found


@pytest.mark.parametrize("share", ["1", "0.5", "0.333333"])
def test_a_field_distorts_an_interpolated_image_by_the_same_millimetres(tmp_path: Path, share: str) -> None:
    """The shift in pixels is the field times the readout time, and a pixel is half as long."""
    millimetres = []
    for rows in (80, 160):
        written(tmp_path / str(rows) / "in", rows, share=share)
        fields = told(tmp_path / str(rows))
        assert (fields["AcquisitionMatrixPE"], fields["ReconMatrixPE"]) == (80, rows)
        assert fields["TotalReadoutTime"] == pytest.approx(fields["EffectiveEchoSpacing"] * (rows - 1))
        millimetres.append(fields["EffectiveEchoSpacing"] * rows * (240 / rows))
    assert millimetres[0] == pytest.approx(millimetres[1])


@with_newest
@pytest.mark.parametrize(
    ("rows", "lines", "share", "options"),
    [
        (80, 80, "1", ()), (128, 80, "1", ()), (128, 80, "0.333333", ()), (256, 128, "0.5", ("PFF",)),
        (256, 128, "0.666667", ("PFF",)), (128, 90, "0.5", ()),
    ],
)  # fmt: skip
def test_dcm2niix_says_the_same(tmp_path: Path, rows: int, lines: int, share: str, options: tuple[str, ...]) -> None:
    written(tmp_path / "in", rows, lines=lines, share=share, options=options)
    theirs = sidecar_by_newest(tmp_path / "in", tmp_path)
    ours = told(tmp_path)
    for name in ("EffectiveEchoSpacing", "TotalReadoutTime", "AcquisitionMatrixPE", "ReconMatrixPE"):
        assert ours[name] == pytest.approx(theirs[name], rel=1e-5), name

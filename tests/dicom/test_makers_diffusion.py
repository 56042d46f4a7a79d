"""b-values and directions as each maker writes them: in metadata and labels of volumes, and beside NIfTI files.

dcm2niix reads the same series: its b-values are equal, and its directions point the same way in the world.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID

import voxelry
from tests.formats.test_gradients import read_table, world_directions
from voxelry.testing import (
    AXIAL,
    CORONAL,
    OBLIQUE,
    SAGITTAL,
    csa_header,
    synthetic_grids,
    synthetic_mosaics,
    synthetic_series,
)
from voxelry.testing.diffusion_phantom import SIX_DIRECTIONS, DiffusionMaker, PhaseAxis, synthetic_diffusion_series

Floats = npt.NDArray[np.float64]
MAKERS: tuple[DiffusionMaker, ...] = (
    "standard", "siemens", "siemens csa", "siemens xa", "ge", "philips", "uih", "canon", "toshiba",
)  # fmt: skip
SMALL = (2, 5, 4)
PLANES = {"axial": AXIAL, "sagittal": SAGITTAL, "coronal": CORONAL, "oblique": OBLIQUE}
TO_RAS = [-1.0, -1.0, 1.0]
ZERO = (0.0, 0.0, 0.0)


UNREAD = ("standard", "siemens xa")
"""Whose classic images dcm2niix does not read: of unknown makers, and by XA's own attributes alone."""


def told(folder: Path) -> list[tuple[object, object, list[float] | None]]:
    """b-value, directionality and direction of each volume's metadata."""
    found: list[tuple[object, object, list[float] | None]] = []
    for volume in voxelry.load(folder).volumes:
        vector: Any = volume.metadata.get("DiffusionGradientOrientation")
        kind = volume.metadata.get("DiffusionDirectionality")
        found.append(
            (
                volume.metadata.get("DiffusionBValue"),
                kind,
                None if vector is None else [round(one, 6) + 0.0 for one in vector],
            )
        )
    return found


def one_image(folder: Path, stamp: Callable[[Dataset], None], orientation: tuple[float, ...] = AXIAL) -> voxelry.Volume:
    synthetic_series(folder, slices=3, modality="MR", orientation=orientation, edit=lambda _, dataset: stamp(dataset))
    return voxelry.load_volume(folder)


PAIRS = [
    (maker, plane) for maker in MAKERS for plane in (PLANES if maker in ("ge", "canon") else ("axial", "oblique"))
]  # fmt: skip


@pytest.mark.parametrize(("maker", "plane"), PAIRS)
def test_each_makers_directions_are_the_patients(tmp_path: Path, maker: DiffusionMaker, plane: str) -> None:
    for phase_axis in ("ROW", "COL") if maker in ("ge", "canon") else ("COL",):
        series = synthetic_diffusion_series(
            tmp_path / phase_axis, maker=maker, orientation=PLANES[plane], phase_axis=phase_axis, shape=SMALL
        )
        volumes = voxelry.load(tmp_path / phase_axis).volumes
        assert len(volumes) == len(series.b_values)
        for volume, b_value, direction in zip(volumes, series.b_values, series.directions, strict=True):
            if b_value == 0:
                assert volume.metadata.get("DiffusionBValue", 0.0) == 0
                continue
            assert volume.metadata["DiffusionBValue"] == b_value
            assert volume.metadata["DiffusionDirectionality"] == "DIRECTIONAL"
            vector: Any = volume.metadata["DiffusionGradientOrientation"]
            assert np.abs(np.array(vector) - direction).max() < 2e-6
            shown = " ".join(f"{one:.4g}" for one in direction + 0.0)
            assert f"DiffusionBValue {b_value:g}, DiffusionGradientOrientation {shown}" in volume.label


@pytest.mark.parametrize("maker", ["standard", "siemens", "siemens xa", "philips", "ge"])
def test_enhanced_frames_tell_them_too(tmp_path: Path, maker: DiffusionMaker) -> None:
    series = synthetic_diffusion_series(tmp_path, maker=maker, orientation=OBLIQUE, enhanced=True, shape=SMALL)
    found = told(tmp_path)
    assert [one[0] for one in found] == list(series.b_values)
    directions = np.array([ZERO if vector is None else vector for *_, vector in found])
    assert np.abs(directions - series.directions).max() < 1e-6


@pytest.mark.parametrize("vector", [[0.0, 0.6, 0.8], [0.0, 0.0, 0.0]])
@pytest.mark.parametrize("standard", [False, True])
def test_philips_private_attributes_of_a_frame_count(tmp_path: Path, vector: list[float], standard: bool) -> None:
    """Older enhanced objects keep them in a private sequence, and do not say what a vector of zeros means."""

    def stamp(_: int, dataset: Dataset) -> None:
        for group in dataset.PerFrameFunctionalGroupsSequence:
            item = Dataset()
            item.private_block(0x2001, "Philips Imaging DD 001", create=True).add_new(0x03, "FL", 800.0)
            own = item.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
            for element, component in zip((0xB0, 0xB1, 0xB2), vector, strict=True):
                own.add_new(element, "FL", component)
            frames = group.private_block(0x2005, "Philips MR Imaging DD 005", create=True)
            frames.add_new(0x0F, "SQ", DicomSequence([item]))
            if standard:
                public, direction = Dataset(), Dataset()
                direction.DiffusionGradientOrientation = vector
                public.DiffusionBValue, public.DiffusionGradientDirectionSequence = 800.0, DicomSequence([direction])
                group.MRDiffusionSequence = DicomSequence([public])

    synthetic_series(tmp_path, slices=3, modality="MR", frames="enhanced", rescale=None, edit=stamp)
    known = ("DIRECTIONAL", vector) if any(vector) else ("ISOTROPIC", None)
    assert told(tmp_path) == [(800.0, *known)]


@pytest.mark.parametrize("maker", ["standard", "siemens", "siemens csa", "siemens xa", "philips"])
def test_the_mean_of_directions_has_none(tmp_path: Path, maker: DiffusionMaker) -> None:
    synthetic_diffusion_series(
        tmp_path / "in",
        maker=maker,
        b_values=(0, 1000, 1000, 1000),
        directions=(*SIX_DIRECTIONS[:3], ZERO),
        traces=(3,),
    )
    found = told(tmp_path / "in")
    assert found[3] == (1000.0, "ISOTROPIC", None)
    assert [kind for _, kind, _ in found[:3]] == ["NONE", "DIRECTIONAL", "DIRECTIONAL"]


@pytest.mark.parametrize("enhanced", [False, True])
@pytest.mark.parametrize(
    ("b_value", "vector", "attribute"),
    [
        (1000, (0.0, 0.6, 0.8), None), (1040, (0.0, -0.6, -0.8), None), (2000, (0.0, 0.6, 0.8), "DiffusionBValue"),
        (1000, (0.6, 0.0, 0.8), "DiffusionGradientOrientation"), (0, (0.0, 0.0, 0.0), "DiffusionBValue"),
    ],
)  # fmt: skip
def test_the_standard_counts_before_siemens_xa_and_a_contradiction_is_told(
    tmp_path: Path, enhanced: bool, b_value: int, vector: tuple[float, ...], attribute: str | None
) -> None:
    def private(target: Dataset) -> None:
        block = target.private_block(0x0021, "SIEMENS MR SDI 02", create=True)
        block.add_new(0x05, "IS", str(b_value))
        block.add_new(0x46, "FD", list(vector))

    def stamp(_: int, dataset: Dataset) -> None:
        dataset.Manufacturer = "Siemens Healthineers"
        public, direction, item = Dataset(), Dataset(), Dataset()
        direction.DiffusionGradientOrientation = [0.0, 0.6, 0.8]
        if not enhanced:
            private(dataset)
            dataset.DiffusionBValue, dataset.DiffusionGradientOrientation = 1000.0, [0.0, 0.6, 0.8]
            return
        private(item)
        public.DiffusionBValue, public.DiffusionGradientDirectionSequence = 1000.0, DicomSequence([direction])
        for group in dataset.PerFrameFunctionalGroupsSequence:
            group.MRDiffusionSequence = DicomSequence([public])
            owned = group.private_block(0x0021, "SIEMENS MR SDI 02", create=True)
            owned.add_new(0xFE, "SQ", DicomSequence([item]))

    frames: Any = "enhanced" if enhanced else "single"
    synthetic_series(tmp_path, slices=3, modality="MR", frames=frames, rescale=None, edit=stamp)
    assert told(tmp_path) == [(1000.0, "DIRECTIONAL", [0.0, 0.6, 0.8])]
    [series] = voxelry.index(tmp_path).series
    found = [one for one in series.stacks[0].problems if one.code == "diffusion_contradicts"]
    assert [one.numbers["attribute"] for one in found] == ([] if attribute is None else [attribute])


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.2"])
def test_private_sequences_are_found_whatever_the_representation(tmp_path: Path, syntax: str) -> None:
    """A file of implicit VR does not say that they are sequences."""
    written = synthetic_diffusion_series(tmp_path / "in", maker="siemens xa", enhanced=True, shape=SMALL)
    dataset = pydicom.dcmread(written.paths[0])
    little = syntax == "1.2.840.10008.1.2"
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    if not little:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
    (tmp_path / "out").mkdir()
    pydicom.dcmwrite(tmp_path / "out" / "a.dcm", dataset, implicit_vr=little, little_endian=little)
    found = told(tmp_path / "out")
    assert [one[0] for one in found] == list(written.b_values)
    directions = np.array([ZERO if vector is None else vector for *_, vector in found])
    assert np.abs(directions - written.directions).max() < 1e-6


def test_ge_scales_b_values_by_the_vectors_length(tmp_path: Path) -> None:
    series = synthetic_diffusion_series(
        tmp_path, maker="ge", scaled=True, b_values=(0, 500, 1000, 2000, 0, 995),
        directions=(ZERO, *SIX_DIRECTIONS[1:4], ZERO, SIX_DIRECTIONS[4]), shape=SMALL,
    )  # fmt: skip
    assert [b_value for b_value, *_ in told(tmp_path)] == list(series.b_values)


@pytest.mark.parametrize(
    ("image", "series", "b_value"),
    [
        (14, None, 0.0), (16, None, 0.0), (None, None, 900.0), (None, 16, 0.0), (0, 16, 0.0),
        (14, 16, 0.0), (15, 16, 900.0), (15, 15, 900.0), (15, None, 900.0),
    ],
)  # fmt: skip
def test_ge_images_without_a_vector(tmp_path: Path, image: int | None, series: int | None, b_value: float) -> None:
    """Of a tensor they are unweighted; of others, as those combined from its directions, the b-value counts."""

    def stamp(dataset: Dataset) -> None:
        block = dataset.private_block(0x0019, "GEMS_ACQU_01", create=True)
        for element in (0xBB, 0xBC, 0xBD):
            block.add_new(element, "DS", "0")
        parameters = dataset.private_block(0x0043, "GEMS_PARM_01", create=True)
        parameters.add_new(0x39, "IS", ["900", "8", "0", "0"])
        if image is not None:
            parameters.add_new(0x30, "SS", image)
        if series is not None:
            dataset.private_block(0x0021, "GEMS_RELA_01", create=True).add_new(0x5A, "SL", series)

    volume = one_image(tmp_path, stamp)
    assert volume.metadata["DiffusionBValue"] == b_value
    assert "DiffusionGradientOrientation" not in volume.metadata


@pytest.mark.parametrize(
    ("maker", "stamped", "b_value"),
    [
        ("GE", {}, None), ("GE", {"image": 14}, 0.0), ("GE", {"image": 16}, 0.0), ("GE", {"series": 16}, 0.0),
        ("Philips", {"contrast": "T1"}, None), ("Philips", {"contrast": "DIFFUSION"}, 0.0), ("Philips", {}, None),
        ("Philips", {"kind": "N"}, 0.0), ("UIH", {}, None), ("UIH", {"vector": True}, 0.0),
    ],
)  # fmt: skip
def test_a_b_value_of_zero_in_images_of_any_kind_means_nothing(
    tmp_path: Path, maker: str, stamped: dict[str, Any], b_value: float | None
) -> None:
    """GE, Philips and UIH write one where nothing else speaks of diffusion."""

    def stamp(dataset: Dataset) -> None:
        if maker == "GE":
            dataset.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x39, "IS", ["0", "8", "0", "0"])
            if "image" in stamped:
                dataset.private_block(0x0043, "GEMS_PARM_01").add_new(0x30, "SS", stamped["image"])
            if "series" in stamped:
                dataset.private_block(0x0021, "GEMS_RELA_01", create=True).add_new(0x5A, "SL", stamped["series"])
        elif maker == "Philips":
            own = dataset.private_block(0x2001, "Philips Imaging DD 001", create=True)
            own.add_new(0x03, "FL", 0.0)
            if "kind" in stamped:
                own.add_new(0x04, "CS", stamped["kind"])
            if "contrast" in stamped:
                dataset.AcquisitionContrast = stamped["contrast"]
        else:
            own = dataset.private_block(0x0065, "Image Private Header", create=True)
            own.add_new(0x09, "FD", 0.0)
            if "vector" in stamped:
                own.add_new(0x37, "FD", [0.0, 0.0, 0.0])

    metadata = one_image(tmp_path, stamp).metadata
    assert metadata.get("DiffusionBValue") == b_value
    assert ("DiffusionDirectionality" in metadata) == (b_value is not None)


def test_ge_directions_are_unknown_without_the_phase_direction(tmp_path: Path) -> None:
    def stamp(dataset: Dataset) -> None:
        block = dataset.private_block(0x0019, "GEMS_ACQU_01", create=True)
        for element, word in ((0xBB, "1"), (0xBC, "0"), (0xBD, "0")):
            block.add_new(element, "DS", word)
        dataset.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x39, "IS", ["900", "8", "0", "0"])

    volume = one_image(tmp_path, stamp)
    assert volume.metadata["DiffusionBValue"] == 900
    assert "DiffusionGradientOrientation" not in volume.metadata


def test_uihs_own_direction_counts_before_the_standards(tmp_path: Path) -> None:
    """In images that are turned, UIH writes the standard's attribute in another frame of reference."""

    def stamp(dataset: Dataset) -> None:
        block = dataset.private_block(0x0065, "Image Private Header", create=True)
        block.add_new(0x09, "FD", 1000.0)
        block.add_new(0x37, "FD", [0.0, 1.0, 0.0])
        dataset.DiffusionBValue, dataset.DiffusionGradientOrientation = 1000.0, [1.0, 0.0, 0.0]

    volume = one_image(tmp_path, stamp, OBLIQUE)
    assert volume.metadata["DiffusionGradientOrientation"] == pytest.approx(OBLIQUE[3:])


@pytest.mark.parametrize("older", [False, True])
def test_siemens_csa_header_tells_a_direction_by_its_matrix(tmp_path: Path, older: bool) -> None:
    """Its sign is arbitrary: the largest component is positive."""

    def stamp(dataset: Dataset) -> None:
        matrix = 1000 * np.outer((0.0, -0.8, 0.6), (0.0, -0.8, 0.6))
        words = [f"{matrix[place]:.6f}" for place in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))]
        content = csa_header({"B_value": ["1000"], "B_matrix": words}, older=older)
        dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", content)

    volume = one_image(tmp_path, stamp)
    assert volume.metadata["DiffusionDirectionality"] == "BMATRIX"
    assert volume.metadata["DiffusionGradientOrientation"] == pytest.approx([0.0, 0.8, -0.6], abs=1e-6)


def test_siemens_impossible_vector_means_no_weighting(tmp_path: Path) -> None:
    def stamp(dataset: Dataset) -> None:
        block = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
        block.add_new(0x0C, "IS", "1000")
        block.add_new(0x0E, "FD", [-1.00001, -1.00001, -1.00001])

    assert one_image(tmp_path, stamp).metadata["DiffusionBValue"] == 0


@pytest.mark.parametrize(
    ("comment", "known"),
    [
        ("b=1500(0.445,0.000,0.895)", True), ("b=1500(0.445,0.000,0.895) ", True), ("B=1500(0.445,0.000,0.895)", False),
        ("b=1500(0.445,0.000)", False), ("see b=1500(0.445,0.000,0.895)", False), ("b=1e9(0.445,0.000,0.895)", False),
        ("b=1500(nan,0.000,0.895)", False), ("b=1500(0.445,0.000,0.895)x", False), ("", False),
    ],
)  # fmt: skip
def test_canons_comment_counts_in_its_exact_form_only(tmp_path: Path, comment: str, known: bool) -> None:
    def stamp(dataset: Dataset) -> None:
        dataset.Manufacturer, dataset.ImageComments = "CANON_MEC", comment
        dataset.InPlanePhaseEncodingDirection = "COL"

    metadata = one_image(tmp_path, stamp).metadata
    assert ("DiffusionBValue" in metadata) is known
    assert ("DiffusionGradientOrientation" in metadata) is known


def test_other_makers_comments_never_count(tmp_path: Path) -> None:
    def stamp(dataset: Dataset) -> None:
        dataset.Manufacturer, dataset.ImageComments = "Somebody", "b=1500(0.445,0.000,0.895)"
        dataset.InPlanePhaseEncodingDirection = "COL"

    assert "DiffusionBValue" not in one_image(tmp_path, stamp).metadata


@pytest.mark.parametrize(
    ("vr", "value"), [("LO", "none"), ("IS", "-5"), ("DS", "1e9"), ("OB", b"\xff" * 6), ("FD", float("nan"))]
)
def test_a_private_b_value_that_is_none_is_left_out(tmp_path: Path, vr: str, value: object) -> None:
    def stamp(dataset: Dataset) -> None:
        dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0C, vr, value)

    assert "DiffusionBValue" not in one_image(tmp_path, stamp).metadata


@pytest.mark.parametrize("value", [b"", b"\x00" * 23, b"1\\0", [float("inf"), 0.0, 0.0]])
def test_a_private_direction_that_is_none_is_left_out(tmp_path: Path, value: Any) -> None:
    def stamp(dataset: Dataset) -> None:
        block = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
        block.add_new(0x0C, "IS", "700")
        block.add_new(0x0E, "FD" if isinstance(value, list) else "UN", value)

    metadata = one_image(tmp_path, stamp).metadata
    assert metadata["DiffusionBValue"] == 700
    assert "DiffusionGradientOrientation" not in metadata


def test_the_standards_b_matrix_tells_a_direction(tmp_path: Path) -> None:
    def stamp(dataset: Dataset) -> None:
        item = Dataset()
        names = ("XX", "XY", "XZ", "YY", "YZ", "ZZ")
        for name, value in zip(names, (0.0, 0.0, 0.0, 640.0, 480.0, 360.0), strict=True):
            setattr(item, f"DiffusionBValue{name}", value)
        dataset.DiffusionBValue, dataset.DiffusionDirectionality = 1000.0, "BMATRIX"
        dataset.DiffusionBMatrixSequence = DicomSequence([item])

    volume = one_image(tmp_path, stamp)
    assert volume.metadata["DiffusionGradientOrientation"] == pytest.approx([0.0, 0.8, 0.6])


def test_slices_that_differ_have_no_b_value_together(tmp_path: Path) -> None:
    """A file of them would have b-values that are wrong for some slices."""

    def stamp(k: int, dataset: Dataset) -> None:
        block = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
        block.add_new(0x0C, "IS", "1000" if k else "500")

    synthetic_series(tmp_path / "in", slices=3, modality="MR", edit=stamp)
    volume = voxelry.load_volume(tmp_path / "in")
    assert volume.metadata["DiffusionBValue"] is None
    voxelry.save(volume, tmp_path / "a.nii")
    assert not (tmp_path / "a.bval").exists()


def test_cosines_that_differ_by_rounding_make_one_direction(tmp_path: Path) -> None:
    """UIH writes vectors in the image's axes, whose cosines may differ from slice to slice in their last digits."""
    turn = 1e-6

    def stamp(k: int, dataset: Dataset) -> None:
        volume, place = divmod(k, 3)
        dataset.ImageOrientationPatient = [1, (place - 1) * turn, 0, (1 - place) * turn, 1, 0]
        block = dataset.private_block(0x0065, "Image Private Header", create=True)
        block.add_new(0x09, "FD", 1000.0)
        # a component on the border between two roundings
        block.add_new(0x37, "FD", [[0.70705, np.sqrt(1 - 0.70705**2), 0.0], [0.0, 0.0, 1.0]][volume])

    pixels = np.arange(2 * 3 * 5 * 4, dtype=np.uint16).reshape(6, 5, 4)
    synthetic_series(tmp_path, pixels=pixels, offsets=[0.0, 3.0, 6.0] * 2, modality="MR", edit=stamp)
    labels = [volume.label for volume in voxelry.load(tmp_path).volumes]
    assert [label.split(",")[0] for label in labels] == ["DiffusionBValue 1000"] * 2
    assert [one[0] for one in told(tmp_path)] == [1000.0, 1000.0]


def test_a_trace_image_gets_a_file_of_its_own(tmp_path: Path) -> None:
    """Beside directions it is a map that the scanner made; its row would be zeros with a b-value above 0."""
    synthetic_diffusion_series(
        tmp_path / "in", maker="siemens", b_values=(0, 1000, 1000, 1000), directions=(*SIX_DIRECTIONS[:3], ZERO),
        traces=(3,), shape=SMALL,
    )  # fmt: skip
    report = voxelry.convert(tmp_path / "in", tmp_path / "out", format="nifti")
    assert sorted(written.shape[0] for written in report.written if len(written.shape) == 4) == [3]
    tables = {path.name: path.read_text() for path in (tmp_path / "out").glob("*.bval")}
    assert sorted(tables.values()) == ["0 1000 1000\n", "1000\n"]


# --- dcm2niix ---------------------------------------------------------------------------------------------------------


def by_dcm2niix(folder: Path, target: Path) -> tuple[list[float], Floats]:
    """b-values and directions in the world (RAS) as dcm2niix writes them."""
    target.mkdir()
    subprocess.run(
        ["dcm2niix", "-f", "x", "-z", "n", "-b", "n", "-o", str(target), str(folder)], check=True, capture_output=True
    )
    (path,) = target.glob("*.bvec")
    return read_table(path.with_suffix(".bval"))[0].tolist(), world_directions(path.with_suffix(".nii"))


@pytest.mark.programs("dcm2niix")
@pytest.mark.parametrize(("maker", "plane"), [pair for pair in PAIRS if pair[0] not in UNREAD])
def test_dcm2niix_says_the_same(tmp_path: Path, maker: DiffusionMaker, plane: str) -> None:
    """With the sign, though diffusion has none. Of unknown makers its older versions write nothing."""
    axes: list[PhaseAxis] = ["ROW", "COL"] if maker in ("ge", "canon") and plane in ("axial", "sagittal") else ["COL"]
    for (
        phase_axis
    ) in axes:  # with rows as phase direction, versions before 2025 are wrong in coronal images (issue 970)
        folder = tmp_path / phase_axis
        series = synthetic_diffusion_series(
            folder, maker=maker, orientation=PLANES[plane], phase_axis=phase_axis, shape=SMALL
        )
        ours = tmp_path / f"{phase_axis}.nii"
        assert voxelry.convert(folder, ours).complete
        b_values, directions = by_dcm2niix(folder, tmp_path / f"{phase_axis} theirs")
        assert read_table(ours.with_suffix(".bval"))[0].tolist() == b_values == list(series.b_values)
        assert np.abs(world_directions(ours) - directions).max() < 2e-6


@pytest.mark.programs("dcm2niix")
@pytest.mark.parametrize("maker", ["siemens", "philips", "canon"])
def test_dcm2niix_says_the_same_of_enhanced_objects(tmp_path: Path, maker: DiffusionMaker) -> None:
    synthetic_diffusion_series(tmp_path / "in", maker=maker, orientation=OBLIQUE, enhanced=True, shape=SMALL)
    assert voxelry.convert(tmp_path / "in", tmp_path / "a.nii").complete
    b_values, directions = by_dcm2niix(tmp_path / "in", tmp_path / "theirs")
    assert read_table(tmp_path / "a.bval")[0].tolist() == b_values
    assert np.abs(world_directions(tmp_path / "a.nii") - directions).max() < 2e-6


@pytest.mark.programs("dcm2niix")
@pytest.mark.parametrize("maker", ["siemens", "ge", "philips", "uih"])
def test_volumes_without_weighting_between_others_stay_where_they_are(tmp_path: Path, maker: DiffusionMaker) -> None:
    six = SIX_DIRECTIONS
    series = synthetic_diffusion_series(
        tmp_path / "in", maker=maker, b_values=(1000, 0, 2000, 0, 1000, 300),
        directions=(six[1], ZERO, six[2], ZERO, six[3], six[4]), shape=SMALL,
    )  # fmt: skip
    assert voxelry.convert(tmp_path / "in", tmp_path / "a.nii").complete
    b_values, directions = by_dcm2niix(tmp_path / "in", tmp_path / "theirs")
    assert read_table(tmp_path / "a.bval")[0].tolist() == b_values == list(series.b_values)
    assert np.abs(world_directions(tmp_path / "a.nii") - directions).max() < 2e-6


def siemens_private(volume: int, dataset: Dataset) -> None:
    block = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", "1000" if volume else "0")
    if volume:
        block.add_new(0x0E, "FD", list(SIX_DIRECTIONS[volume]))


def uih_private(volume: int, dataset: Dataset) -> None:
    along_rows, along_columns = np.array(OBLIQUE[:3]), np.array(OBLIQUE[3:])
    axes = np.stack([along_rows, along_columns, np.cross(along_rows, along_columns)])
    block = dataset.private_block(0x0065, "Image Private Header", create=True)
    block.add_new(0x09, "FD", 1000.0 if volume else 0.0)
    block.add_new(0x37, "FD", (axes @ SIX_DIRECTIONS[volume]).tolist())


@pytest.mark.programs("dcm2niix")
@pytest.mark.parametrize("kind", ["mosaic", "mosaic against the normal", "mosaic numbered backwards", "grid"])
def test_mosaics_and_grids_have_their_gradients(tmp_path: Path, kind: str) -> None:
    """Of mosaics whose slices run against the normal, dcm2niix gives the opposite vectors, which mean the same."""
    if kind == "grid":
        synthetic_grids(tmp_path / "in", volumes=7, slices=5, orientation=OBLIQUE, edit=uih_private)
    else:
        synthetic_mosaics(
            tmp_path / "in", volumes=7, slices=5, orientation=OBLIQUE, edit=siemens_private,
            against_normal="against" in kind, numbered_backwards="backwards" in kind,
        )  # fmt: skip
    assert voxelry.convert(tmp_path / "in", tmp_path / "a.nii").complete
    assert (tmp_path / "a.bval").read_text() == "0 1000 1000 1000 1000 1000 1000\n"
    directions = world_directions(tmp_path / "a.nii")
    assert np.abs(directions - np.array(SIX_DIRECTIONS) * TO_RAS).max() < 1e-6
    b_values, theirs = by_dcm2niix(tmp_path / "in", tmp_path / "theirs")
    assert b_values == [0.0, *[1000.0] * 6]
    assert np.abs(directions - (-theirs if "against" in kind else theirs)).max() < 2e-6

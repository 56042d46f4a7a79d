"""Philips' precise values: only where they are asked for, and never of values that have a unit."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

import voxelry
from voxelry.testing import SyntheticSeries, synthetic_series

Edit = Callable[[int, Dataset], None]
PAIRS = [(2.5, -10.0), (2.5, -10.0), (3.0, 4.0), (0.5, 0.0), (2.5, -10.0)]
SCALES = [0.02, 0.02, 0.05, 0.02, 0.4]


def philips(
    folder: Path,
    *,
    pairs: Any = (2.5, -10.0),
    scales: Sequence[float] = (0.02,) * 5,
    edit: Edit | None = None,
    **more: Any,
) -> SyntheticSeries:
    """A series with Philips' Scale Slope in each image, or in a private sequence of each frame."""

    def edited(index: int, dataset: Dataset) -> None:
        if "PerFrameFunctionalGroupsSequence" in dataset:
            for group, scale in zip(dataset.PerFrameFunctionalGroupsSequence, scales, strict=True):
                item = Dataset()
                item.private_block(0x2005, "Philips MR Imaging DD 001", create=True).add_new(0x0E, "FL", scale)
                own = group.private_block(0x2005, "Philips MR Imaging DD 005", create=True)
                own.add_new(0x0F, "SQ", DicomSequence([item]))
        else:
            own = dataset.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
            own.add_new(0x0E, "FL", scales[index])
        if edit is not None:
            edit(index, dataset)

    attributes = {"Manufacturer": "Philips Medical Systems"} | more.pop("attributes", {})
    return synthetic_series(folder, rescale=pairs, edit=edited, attributes=attributes, **({"modality": "MR"} | more))


def values(path: Path) -> Any:
    return voxelry.load_volume(path).array


def precise(series: SyntheticSeries, pairs: Any, scales: Sequence[float]) -> Any:
    both = np.broadcast_to(np.asarray(pairs, float), (5, 2))
    slopes, intercepts = both[:, :1, None], both[:, 1:, None]
    return (series.stored * slopes + intercepts) / (
        slopes * np.asarray(scales, np.float32).astype(float)[:, None, None]
    )


@pytest.mark.parametrize("frames", ["single", "enhanced"])
@pytest.mark.parametrize(("pairs", "scales"), [((2.5, -10.0), [0.02] * 5), (PAIRS, SCALES)])
def test_precise_values_slice_by_slice(tmp_path: Path, frames: Any, pairs: Any, scales: Sequence[float]) -> None:
    series = philips(tmp_path / "in", pairs=pairs, scales=scales, frames=frames)
    report = voxelry.convert(tmp_path / "in", tmp_path / "precise.nii", philips_precise=True)
    assert report.complete
    assert not [words for words in report.written[0].warnings if "precise" in words]
    np.testing.assert_allclose(values(tmp_path / "precise.nii"), precise(series, pairs, scales), rtol=1e-6)
    told = json.loads((tmp_path / "precise.json").read_text())
    assert told["UsePhilipsFloatNotDisplayScaling"] == 1
    known = {"PhilipsRescaleSlope": 2.5, "PhilipsRescaleIntercept": -10.0, "PhilipsScaleSlope": pytest.approx(0.02)}
    assert {name: told.get(name) for name in known} == (known if pairs != PAIRS else dict.fromkeys(known))


@pytest.mark.parametrize("frames", ["single", "enhanced"])
def test_everything_else_is_the_standard_s_rescale(tmp_path: Path, frames: Any) -> None:
    series = philips(tmp_path / "in", pairs=PAIRS, scales=SCALES, frames=frames)
    np.testing.assert_allclose(voxelry.load_volume(tmp_path / "in").array, series.array)
    assert voxelry.convert(tmp_path / "in", tmp_path / "plain.nii").complete
    np.testing.assert_allclose(values(tmp_path / "plain.nii"), series.array, rtol=1e-6)
    assert json.loads((tmp_path / "plain.json").read_text())["UsePhilipsFloatNotDisplayScaling"] == 0
    found = voxelry.measure(tmp_path / "in", threshold=0.5)
    middle = (series.array.min() + series.array.max()) / 2
    assert found.pixels_above_threshold == int((series.array > middle).sum())


def no_scale(_: int, dataset: Dataset) -> None:
    del dataset[0x2005, 0x100E]


@pytest.mark.parametrize(
    "more",
    [
        {"attributes": {"ImageType": ["DERIVED", "PRIMARY", "ADC", "ADC", "UNSPECIFIED"]}},
        {"attributes": {"RescaleType": "Hz"}},
        {"attributes": {"RescaleType": "ms"}},
        {"attributes": {"ImageType": ["ORIGINAL", "PRIMARY", "PHASE MAP", "P", "FFE"]}},
        {"attributes": {"Manufacturer": "SIEMENS"}},
        {"modality": "CT"},
        {"modality": "PT"},
        {"edit": no_scale},
        {"scales": [0.02, 0.02, 0.0, 0.02, 0.02]},
    ],
)
def test_values_with_a_unit_and_those_of_others_stay_as_they_are(tmp_path: Path, more: dict[str, Any]) -> None:
    series = philips(tmp_path / "in", **more)
    report = voxelry.convert(tmp_path / "in", tmp_path / "out.nii", philips_precise=True)
    assert [words for words in report.written[0].warnings if "precise values are asked for" in words]
    np.testing.assert_allclose(values(tmp_path / "out.nii"), series.array, rtol=1e-6)


def test_another_scale_is_another_file(tmp_path: Path) -> None:
    philips(tmp_path / "in")
    voxelry.convert(tmp_path / "in", tmp_path / "out", format="nifti")
    report = voxelry.convert(tmp_path / "in", tmp_path / "out", format="nifti", philips_precise=True)
    assert not report.written  # what is there has other values, and is not taken for these
    with pytest.raises(voxelry.ParameterError, match="ask for one"):
        voxelry.convert(tmp_path / "in", tmp_path / "both.nii", philips_precise=True, real_world=True)


@pytest.mark.programs("dcm2niix")
def test_precise_values_are_those_of_dcm2niix(tmp_path: Path) -> None:
    """They are its default."""
    philips(tmp_path / "in")
    command = ["dcm2niix", "-z", "n", "-f", "theirs", "-o", str(tmp_path), str(tmp_path / "in")]
    subprocess.run(command, capture_output=True, check=True)
    voxelry.convert(tmp_path / "in", tmp_path / "ours.nii", philips_precise=True)
    np.testing.assert_allclose(values(tmp_path / "ours.nii"), values(tmp_path / "theirs.nii")[:, ::-1], rtol=1e-5)
    ours, theirs = (json.loads((tmp_path / f"{who}.json").read_text()) for who in ("ours", "theirs"))
    for name in (
        "PhilipsRescaleSlope",
        "PhilipsRescaleIntercept",
        "PhilipsScaleSlope",
        "UsePhilipsFloatNotDisplayScaling",
    ):
        assert ours[name] == pytest.approx(theirs[name], rel=1e-5), name

"""NIfTI: the contract, and what only NIfTI has."""

from __future__ import annotations

from voxelry.formats.nifti import FORMAT
from voxelry.testing.formats import FormatTests


class TestNifti(FormatTests):
    format = FORMAT
    suffix = ".nii"
    colours = ("uint8",)
    place_rtol = 1.2e-7


class TestNiftiGz(TestNifti):
    suffix = ".nii.gz"

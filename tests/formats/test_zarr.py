"""Zarr: the contract; zarr-python as judge; OME-Zarr's own rules; and what enemies and strangers write."""

from __future__ import annotations

from voxelry.formats.zarr import FORMAT
from voxelry.testing.formats import FormatTests
from voxelry.testing.volumes import DTYPES


class TestZarr(FormatTests):
    format = FORMAT
    suffix = ".zarr"
    is_folder = True
    dtypes = (*DTYPES, "float16", "bool")
    colours = ("uint8", "uint16", "int16", "float32")
    holds = frozenset(
        {
            "unit", "label", "metadata", "padding", "windows", "voi_tables", "inverted", "lossy", "warnings",
            "instance_uids",
        }
    )  # fmt: skip


class TestZarrZip(TestZarr):
    suffix = ".zarr.zip"
    is_folder = False

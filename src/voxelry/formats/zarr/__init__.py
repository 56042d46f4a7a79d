"""Zarr v3 with OME-Zarr metadata."""

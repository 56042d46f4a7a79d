"""Volumes in other file formats."""

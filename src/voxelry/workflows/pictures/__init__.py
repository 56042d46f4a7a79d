"""Slices as pictures."""

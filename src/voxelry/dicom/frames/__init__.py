"""Attributes to placed planes: each frame of an instance, with what places, times and scales it."""

"""Pixel bytes to stored values: native, encapsulated and compressed frames of one instance, checked before use."""

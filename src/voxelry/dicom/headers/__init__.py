"""Bytes to attributes: files, archives, elements, and one instance's header."""

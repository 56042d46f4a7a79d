"""8-bit pictures and moving pictures."""

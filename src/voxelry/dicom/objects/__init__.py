"""Object kinds that are no plain images: one file or a few files for each kind."""

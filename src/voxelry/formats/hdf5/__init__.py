"""HDF5: exact volumes, and the normalised layout of the two seed programs."""

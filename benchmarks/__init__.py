"""Benchmarks of Voxelry against the machine's limits and other libraries, in ratios: ``python -m benchmarks``."""

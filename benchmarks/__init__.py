"""How fast Voxelry is beside the machine and beside its peers, in ratios: ``python -m benchmarks``."""

"""``python -m voxelry.cli`` is ``voxelry``."""

from voxelry.cli import main

main()

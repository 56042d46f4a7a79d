"""Steps: what is done to volumes, one file each. Every one is an entry point ``voxelry.steps``, as other packages' are."""

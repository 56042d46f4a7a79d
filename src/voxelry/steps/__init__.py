"""Steps: what is done to volumes, one file each; each is an entry point ``voxelry.steps``, as other packages' are."""

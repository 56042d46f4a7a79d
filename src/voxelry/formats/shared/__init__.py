"""What formats share: streams, deflate, grids, options and the record of a Volume."""

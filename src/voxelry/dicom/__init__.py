"""From files to volumes. File names read as the flow: sources, headers, series, stack, pixels."""

"""From a path to volumes."""

"""Files at rest: written, flushed, checked, found and removed."""

"""Values to instances: into the headers of a template series, or as new objects."""

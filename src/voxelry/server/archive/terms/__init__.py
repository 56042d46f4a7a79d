"""Words, keys and conditions of searches, as values: nothing here asks a table."""

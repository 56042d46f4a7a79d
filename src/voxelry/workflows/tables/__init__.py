"""All tags of all instances as a table, and the table as a file."""

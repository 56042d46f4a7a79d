"""The REST API: schemas, records of rows, and routes. ``problems`` turns errors into answers."""

"""The REST API: schemas, what rows look like as JSON, routes. Errors become HTTP in ``problems``."""

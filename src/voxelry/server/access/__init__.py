"""Authentication: sessions, HTTP Basic, bearer tokens and one-time login links."""

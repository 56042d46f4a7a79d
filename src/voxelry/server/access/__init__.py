"""Who may come in: sessions, HTTP Basic, bearer tokens, one-time login links."""

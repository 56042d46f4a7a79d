"""The user's verbs, shared by the terminal and the server."""

"""Steps over volumes, and their results as files."""

"""What the server stands on: configuration, database, disk, logs, and the worker as a child process."""

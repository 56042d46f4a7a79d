"""Configuration, database, disk errors, logs, and the worker as a child process."""

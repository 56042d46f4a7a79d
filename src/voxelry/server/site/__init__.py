"""The running site: settings, URLs, the gate before Django, serving, the worker, terminal commands."""

"""The running site: settings, addresses, the gate before Django, serving, supervising, terminal commands."""

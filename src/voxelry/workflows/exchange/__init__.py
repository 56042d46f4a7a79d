"""Volumes as objects of other libraries, in memory: one file each. The library is imported when it is asked for."""

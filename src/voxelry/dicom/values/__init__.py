"""Planes to arrays: stored to modality values, many frames in one array, and what headers propose for display."""

"""NIfTI-1 and NIfTI-2, with the BIDS sidecar."""

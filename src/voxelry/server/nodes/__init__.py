"""Nodes of the DICOM network: who they are, what they may do, and what is sent to them and fetched from them."""

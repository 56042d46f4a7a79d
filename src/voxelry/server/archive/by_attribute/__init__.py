"""Searches by DICOM attributes, as QIDO-RS asks for them."""

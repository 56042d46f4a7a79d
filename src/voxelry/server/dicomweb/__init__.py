"""The DICOMweb server (PS3.18): neighbour of the REST API on the same rooms."""

"""The DICOM network (PS3.7, PS3.8): associations, and what they are asked for. It knows no site and no database."""

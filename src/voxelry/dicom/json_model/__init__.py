"""The DICOM JSON Model (PS3.18 annex F) and the Native DICOM Model in XML (PS3.19 A.1) of an instance's attributes."""

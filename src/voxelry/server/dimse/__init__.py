"""The door of the DICOM network: the listener, and the services that it provides to configured nodes."""

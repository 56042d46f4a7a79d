"""The ground: pure numpy and contracts. No file, no clock, no log, no pydicom."""

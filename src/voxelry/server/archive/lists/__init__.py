"""The lists of studies and patients: their rows, their index of words, and their pages."""

"""How images were acquired, as headers and makers' private attributes say it: a file for each subject."""

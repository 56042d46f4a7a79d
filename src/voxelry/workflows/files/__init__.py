"""What all workflows write through: atomic files and folders, names for exports, ledgers, tables as CSV."""

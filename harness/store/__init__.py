"""The rows of a run on the disk: folders, tables, finished blocks."""

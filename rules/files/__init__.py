"""The laws of the files that are read: their form, their cells, their columns (docs: the published formats)."""

"""One widget a file; all looks are in tui/styles."""

"""Who does the work of a row: each maker imports what it measures, and nothing more."""

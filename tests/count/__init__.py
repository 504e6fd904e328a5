"""`./dev count`: how many instructions the hot paths take, and that they do not become more."""

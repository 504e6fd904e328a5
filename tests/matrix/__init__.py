"""`./dev matrix`: the suites on other systems and other Pythons."""

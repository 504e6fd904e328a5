"""The technote's service behind a login proxy, on loopback: ``python -m tests.demo``."""

"""Answers, readers of answers and what differs between them, for tests/test_http1_oracles.py."""

"""Promises about the session, each a figure that one command prints.

`python -m tests.prove NAME` runs the promise of that name in full.
"""

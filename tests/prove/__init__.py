"""Promises about the session, each a figure that one command prints.

`python -m tests.prove NAME`, in the checkout, runs the promise of that name in full.
"""

import sys
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[2])

# `python -m` puts the checkout first, but its apikit lacks the C half: the installed one
# is meant.
if sys.path and sys.path[0] == _ROOT:
    sys.path.append(sys.path.pop(0))

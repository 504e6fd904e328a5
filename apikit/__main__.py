"""``python -m apikit``: see `apikit._commands`."""

from __future__ import annotations

import sys

from apikit._commands import main

if __name__ == "__main__":
    sys.exit(main())

"""A server that misbehaves as it is told, in its own process, and what goes with it."""

import sys

_WITH_ASSERTIONS = ("table", "connect_rows", "content_rows", "process_rows", "wire_rows")

if "pytest" in sys.modules:
    sys.modules["pytest"].register_assert_rewrite(
        *(f"{__name__}.{name}" for name in _WITH_ASSERTIONS)
    )

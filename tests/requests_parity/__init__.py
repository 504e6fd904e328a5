"""The same calls with requests' Session and with apikit's must have the same results."""

import pytest

pytest.register_assert_rewrite("tests.requests_parity.sides")

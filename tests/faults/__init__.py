"""A server that misbehaves as it is told, in its own process, and what goes with it."""

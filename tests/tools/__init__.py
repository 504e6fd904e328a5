"""What the `dev` script runs: builds, suites and linters."""

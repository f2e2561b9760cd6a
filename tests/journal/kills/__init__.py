"""Daemons that are killed: one process that forks them, and a client that remembers what it was told."""

"""The journal: every message, decision and outcome, durable and in order, and what can be read from it."""

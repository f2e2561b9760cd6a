"""What clients say and hear: one protocol without I/O, one session for each client, thin servers around them."""

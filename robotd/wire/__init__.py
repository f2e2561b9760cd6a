"""What clients say and hear: a protocol without I/O, a session for each client, thin servers around them."""

"""What must happen when things go wrong."""

"""What must happen when things go wrong, done to real processes: `make faults`."""

"""Hours of a robot's life in virtual time: a random operator, random faults, and every promise watched."""

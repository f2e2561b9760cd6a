"""Stories about a robot that its owner writes: read, run against the whole daemon, judged and told."""

"""What runs the core: the dispatcher, the executor, the users' handlers, the timers."""

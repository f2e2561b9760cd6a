"""One YAML file says the whole robot. `load` checks and returns it, or raises all that is wrong with it."""

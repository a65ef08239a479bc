"""Published results held against the simulator: which of them come out of the rules."""

"""What pages show of runs in any state. No torch here: a list of runs opens at once."""

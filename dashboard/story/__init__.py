"""The Story: what a backdoor is and how SPECTRE finds it, on a finished run, in seven steps; a module for each."""

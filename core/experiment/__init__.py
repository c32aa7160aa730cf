"""One staged experiment, from the data to the figures."""

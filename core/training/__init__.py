"""Images in, a classifier and its features out."""

"""Somebody's data in, a verdict out."""

"""Somebody's data in, a verdict out.

filtering   the rows of one class: scores and removals (`filter`)
scanning    every class in turn: which one, then which rows (`scan`)
verdict     does one class stand out from the others?
"""

__all__ = ["filtering", "scanning", "verdict"]

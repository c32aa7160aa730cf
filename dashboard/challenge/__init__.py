"""The Challenge page, part by part: what is played, the look at it, the answer, the truth, the board."""

"""What stands where a label would."""

UNLABELLED = -1  # of a row or an image that has no label, and of one that stays with the label that it has

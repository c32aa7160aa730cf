"""Somebody's data in, a verdict out.

assumed     how many poisons are assumed: a number, a share, or as many as stand apart
filtering   the rows of one class: scores and removals (`filter`)
scanning    every class in turn: which one, then which rows (`scan`)
overview    the first look at all rows: broken ones, copies, the nearest class of each
misfits     rows that lie with another class than their own
one_class   the findings among the rows of one class alone
groups      rows that stand apart within a class
verdict     which of them do so by more than chance?
findings    what all of that says, in kinds, rows and words
readers     features and labels from files of any form
labels      the label of each row, with its name
masks       what another tool removed, beside what was removed here
csv_files   the files that lists of rows go out in
described   what a table is, where that bears on the verdict
table       rows of a table of any size
"""

__all__ = [
    "assumed",
    "csv_files",
    "described",
    "filtering",
    "findings",
    "groups",
    "labels",
    "masks",
    "misfits",
    "one_class",
    "overview",
    "readers",
    "scanning",
    "table",
    "verdict",
]

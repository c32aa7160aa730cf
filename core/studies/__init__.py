"""Questions that one run alone, or one look at it, does not answer.

overlap     which rows did several defenses remove, and what does each find at the same number removed?
budgets     what does a wrong guess of the number of poisons cost?
layers      does the layer matter, and the number of components?
series      how many poisons does an attack take? runs that differ in poisons and seed alone, with intervals
intervals   how far a share, or a mean over seeds, can be trusted
sweep       makes such runs
evidence    grids: many attacks, every layer, every defense
store       what a study leaves in the folder of its run, and how it is started in the background

overlap, intervals, series, store and the tables of evidence load no torch, for pages read them. No screen is known here.
"""

__all__ = ["budgets", "evidence", "intervals", "layers", "overlap", "series", "store", "sweep"]

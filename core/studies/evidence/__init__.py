"""Grids of experiments: each attack at several numbers of poisons and seeds, looked at by every defense at every layer.

plan       which trainings there are, and what is looked at in each
looking    the work on one training: train, look at every layer with every defense, retrain
otherwise  what SPECTRE would have removed, asked in another way
making     the trainings that are not made yet, for as long as there is time, here or on a cluster
rows       what became of it, as rows of one table
summary    what they say over the seeds
ways       other ways to ask SPECTRE, beside the usual one

rows, summary and ways load no torch, for pages read them.
"""

__all__ = ["looking", "making", "otherwise", "plan", "rows", "summary", "ways"]

"""The page Evidence: what grids of experiments say over their seeds, wins and failures alike."""

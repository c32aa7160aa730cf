"""The questions of the Compare page, a module for each; `claims` are their sentences, computed from the figures."""

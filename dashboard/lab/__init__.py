"""The pieces of the Lab: pure ones (budget, words) and cards that place widgets. `screens/lab.py` puts them together."""

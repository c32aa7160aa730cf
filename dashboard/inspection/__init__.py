"""The pieces of the Inspect page: what is chosen (state, controls), what is seen (views, card, decision), and the guess."""

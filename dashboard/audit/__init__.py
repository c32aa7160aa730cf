"""The pieces of the Audit page: what there is (shelf), where one is (state, steps), findings and what is decided."""

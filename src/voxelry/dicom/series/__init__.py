"""Piles to stacks: the stacks of a series, what is found about them, and the report."""

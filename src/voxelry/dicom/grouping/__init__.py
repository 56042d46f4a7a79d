"""Planes to piles: which frames of a series may form one stack, and which attribute separates them."""

"""Probabilities that mean what they say, and the specimens that show it."""

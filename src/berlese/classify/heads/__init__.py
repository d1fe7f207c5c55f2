"""Classifiers of features: the plain one, the paper's network, and many networks at once."""

"""Carry a classifier over to another camera or fauna, and decide whether to."""

"""A library kept in order: wrong names, more pictures, new taxa."""

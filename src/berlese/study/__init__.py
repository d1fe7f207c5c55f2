"""Protocols and metrics of how well names are given; arrays in, arrays out."""

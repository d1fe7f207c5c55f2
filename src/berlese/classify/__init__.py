"""Name animals from their features; arrays in, arrays out.

A sub-package imports from those below it only (`pyproject.toml` holds the contract)::

    library                 wrong names, more pictures, new taxa
    models                  a trained model: made, saved, fitted to other photos
    adaptation              carry a classifier over to another camera or fauna
    counts | naming | gap   animals of each taxon; sure names; how far photos are from a library
    calibration | unknowns  what probabilities say; animals that the library does not know
    heads                   classifiers
"""

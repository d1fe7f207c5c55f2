"""Words that stand for something else than a taxon, wherever names are counted or typed."""

UNKNOWN = "unknown"
"""Column of the animals that no taxon is known of."""
NO_ANIMAL = "no animal"
"""What dirt and parts count as, where counts are corrected."""
RESERVED = (UNKNOWN, NO_ANIMAL, "predicted", "validated", "dubious", "discarded")
"""No taxon may be called so: the last four say on a sheet what became of a name."""


def is_reserved(name: str) -> bool:
    """Tell whether a name is empty or one of `RESERVED`, whatever its case.

    >>> [is_reserved(name) for name in ("Unknown ", "", "Carabidae")]
    [True, True, False]
    """
    return name.strip().casefold() in ("", *RESERVED)

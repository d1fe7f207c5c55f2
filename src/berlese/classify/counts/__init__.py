"""Animals of each taxon, with intervals: whole surveys, samples, richness, and what to review."""

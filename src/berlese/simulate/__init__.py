"""Photos of bulk samples with exact truth."""

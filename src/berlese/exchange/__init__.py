"""Read and write other programs' files, one module a format."""

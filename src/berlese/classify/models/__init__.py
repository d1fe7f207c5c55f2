"""A trained model: made, kept as a folder, and fitted to other photos."""

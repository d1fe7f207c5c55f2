"""A survey: one folder, one database, from samples to the community table."""

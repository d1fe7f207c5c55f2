"""Alembic migrations of a survey's database; shipped with the package, run by `Survey.open`."""

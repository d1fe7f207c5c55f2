"""Alembic's entry: run the migrations on the connection that `berlese.survey.survey` hands over.

The caller holds the transaction, so that a migration is done whole or not at all.
"""

from alembic import context

from berlese.survey.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()

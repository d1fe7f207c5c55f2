"""The random order in which people look at the animals of a survey."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of orders."""
    op.create_table(
        "review_order",
        sa.Column("reviewOrderID", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("occurrenceIDs", sa.JSON(), nullable=False),
        sa.Column("populationSize", sa.Integer(), nullable=False),
        sa.Column("populationHash", sa.String(), nullable=False),
        sa.Column("madeAt", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("reviewOrderID", name=op.f("pk_review_order")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("review_order")

"""How sharp and bright specimens are, and how photos are lit."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, empty: they are filled when a table is written or photos are checked."""
    op.add_column("specimen", sa.Column("look", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("photo", sa.Column("imaging", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    """Drop the columns."""
    op.drop_column("specimen", "look")
    op.drop_column("photo", "imaging")

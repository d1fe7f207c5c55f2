"""What sheets of samples say beyond the columns that berlese works with."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = ("photo", "unusable_photo")


def upgrade() -> None:
    """Add the columns, empty: adding the photos again with their sheet fills them."""
    for table in TABLES:
        column = sa.Column("dynamicProperties", sa.JSON(none_as_null=True), nullable=True)
        op.add_column(table, column)


def downgrade() -> None:
    """Drop the columns."""
    for table in TABLES:
        op.drop_column(table, "dynamicProperties")

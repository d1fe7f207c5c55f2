"""More measurements of a specimen, the axis of its body, and who states a photo's scale."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = ("bodyAreaPx", "perimeterPx", "majorPx", "minorPx", "feretPx", "volumePx3")


def upgrade() -> None:
    """Add the columns, empty: what is there is measured anew when a table is written."""
    for name in COLUMNS:
        op.add_column("specimen", sa.Column(name, sa.Double(), nullable=True))
    op.add_column("specimen", sa.Column("bodyAxis", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("photo", sa.Column("mmPerPixelSource", sa.String(), nullable=True))


def downgrade() -> None:
    """Drop the columns."""
    for name in (*COLUMNS, "bodyAxis"):
        op.drop_column("specimen", name)
    op.drop_column("photo", "mmPerPixelSource")

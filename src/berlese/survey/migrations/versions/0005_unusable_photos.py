"""Photos that could not be read, with the sample that lacks them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, empty: what was given before and failed is known from then on."""
    op.create_table(
        "unusable_photo",
        sa.Column("accessURI", sa.String(), nullable=False),
        sa.Column("eventID", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["eventID"], ["sample.eventID"], name=op.f("fk_unusable_photo_eventID_sample")
        ),
        sa.PrimaryKeyConstraint("accessURI", name=op.f("pk_unusable_photo")),
    )
    op.create_index(op.f("ix_unusable_photo_eventID"), "unusable_photo", ["eventID"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("unusable_photo")

"""Outlines that people joined or cut, how likely one holds several, and unsure names."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, empty: `several` is filled when a photo is searched again."""
    op.add_column("specimen", sa.Column("severalProbability", sa.Double(), nullable=True))
    op.add_column("identification", sa.Column("identificationQualifier", sa.String()))
    op.create_table(
        "outline_edit",
        sa.Column("outlineEditID", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("photoSha256", sa.String(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("editedBy", sa.String(), nullable=False),
        sa.Column("editedAt", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("outlineEditID", name=op.f("pk_outline_edit")),
        sa.ForeignKeyConstraint(
            ["photoSha256"],
            ["photo.sha256"],
            name=op.f("fk_outline_edit_photoSha256_photo"),
        ),
    )
    op.create_index(op.f("ix_outline_edit_photoSha256"), "outline_edit", ["photoSha256"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("outline_edit")
    op.drop_column("identification", "identificationQualifier")
    op.drop_column("specimen", "severalProbability")

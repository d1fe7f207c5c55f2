"""Which animals a review order was drawn from beside those that it lists."""

from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

LATEST = (
    'SELECT "reviewOrderID", "occurrenceIDs", "populationHash" FROM review_order '
    'ORDER BY "reviewOrderID" DESC LIMIT 1'
)
CURRENT = (
    'SELECT specimen."occurrenceID" FROM specimen JOIN photo '
    'ON photo.sha256 = specimen."photoSha256" WHERE specimen.current AND photo.current'
)


def upgrade() -> None:
    """Add the column, and fill it in for the latest order if it holds for the animals now."""
    ids = sa.JSON(none_as_null=True)
    op.add_column("review_order", sa.Column("otherOccurrenceIDs", ids, nullable=True))
    database = op.get_bind()
    latest = database.execute(sa.text(LATEST).columns(occurrenceIDs=ids)).first()
    current = sorted(database.execute(sa.text(CURRENT)).scalars())
    if latest is None or sha256("\n".join(current).encode()).hexdigest() != latest[2]:
        return
    others = sa.bindparam("others", sorted(set(current) - set(latest[1])), type_=ids)
    change = 'UPDATE review_order SET "otherOccurrenceIDs" = :others WHERE "reviewOrderID" = :id'
    database.execute(sa.text(change).bindparams(others, id=latest[0]))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("review_order", "otherOccurrenceIDs")

"""Baseline: samples, photos, specimens, models, identifications and runs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = """
CREATE TRIGGER identification_no_{verb}
BEFORE {verb} ON identification
BEGIN
    SELECT RAISE(ABORT, 'identifications are append-only: add a new one, the latest counts');
END
"""


def upgrade() -> None:
    """Create the tables and, in SQLite, the triggers that keep identifications append-only."""
    _create_model()
    _create_run()
    _create_sample()
    _create_photo()
    _create_specimen()
    _create_identification()
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(APPEND_ONLY.format(verb=verb))


def downgrade() -> None:
    """Drop the tables with all that they hold."""
    for table in ("identification", "specimen", "photo", "sample", "run", "model"):
        op.drop_table(table)


def _create_model() -> None:
    op.create_table(
        "model",
        sa.Column("modelID", sa.String(), nullable=False),
        sa.Column("taxonRank", sa.String(), nullable=False),
        sa.Column("taxa", sa.JSON(), nullable=False),
        sa.Column("backbone", sa.String(), nullable=False),
        sa.Column("backboneHash", sa.String(), nullable=False),
        sa.Column("training", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("modelID", name=op.f("pk_model")),
    )


def _create_run() -> None:
    op.create_table(
        "run",
        sa.Column("runID", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("inputHashes", sa.JSON(), nullable=False),
        sa.Column("startedAt", sa.String(), nullable=False),
        sa.Column("finishedAt", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("runID", name=op.f("pk_run")),
    )


def _create_sample() -> None:
    op.create_table(
        "sample",
        sa.Column("eventID", sa.String(), nullable=False),
        sa.Column("locationID", sa.String(), nullable=False),
        sa.Column("parentEventID", sa.String(), nullable=True),
        sa.Column("eventDate", sa.String(), nullable=True),
        sa.Column("decimalLatitude", sa.Double(), nullable=True),
        sa.Column("decimalLongitude", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("eventID", name=op.f("pk_sample")),
    )


def _create_photo() -> None:
    op.create_table(
        "photo",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("accessURI", sa.String(), nullable=False),
        sa.Column("eventID", sa.String(), nullable=False),
        sa.Column("sizeBytes", sa.BigInteger(), nullable=False),
        sa.Column("pixelXDimension", sa.Integer(), nullable=False),
        sa.Column("pixelYDimension", sa.Integer(), nullable=False),
        sa.Column("mmPerPixel", sa.Double(), nullable=True),
        sa.Column("captureDevice", sa.String(), nullable=True),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("segmentationHash", sa.String(), nullable=True),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["eventID"], ["sample.eventID"], name=op.f("fk_photo_eventID")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_photo")),
    )
    op.create_index(
        "ix_photo_current_path",
        "photo",
        ["accessURI"],
        unique=True,
        sqlite_where=sa.text("current"),
        postgresql_where=sa.text("current"),
    )
    op.create_index(op.f("ix_photo_eventID"), "photo", ["eventID"], unique=False)


def _create_specimen() -> None:
    op.create_table(
        "specimen",
        sa.Column("occurrenceID", sa.String(), nullable=False),
        sa.Column("photoSha256", sa.String(), nullable=False),
        sa.Column("organismNumber", sa.Integer(), nullable=False),
        sa.Column("bboxX", sa.Double(), nullable=False),
        sa.Column("bboxY", sa.Double(), nullable=False),
        sa.Column("bboxWidth", sa.Double(), nullable=False),
        sa.Column("bboxHeight", sa.Double(), nullable=False),
        sa.Column("polygon", sa.JSON(), nullable=False),
        sa.Column("detectionProbability", sa.Double(), nullable=False),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("lengthPx", sa.Double(), nullable=True),
        sa.Column("widthPx", sa.Double(), nullable=True),
        sa.Column("areaPx", sa.Double(), nullable=True),
        sa.Column("angleDeg", sa.Double(), nullable=True),
        sa.Column("cropPath", sa.String(), nullable=False),
        sa.Column("cropSha256", sa.String(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["photoSha256"], ["photo.sha256"], name=op.f("fk_specimen_photoSha256")
        ),
        sa.PrimaryKeyConstraint("occurrenceID", name=op.f("pk_specimen")),
    )
    op.create_index(op.f("ix_specimen_cropSha256"), "specimen", ["cropSha256"], unique=False)
    op.create_index(op.f("ix_specimen_photoSha256"), "specimen", ["photoSha256"], unique=False)


def _create_identification() -> None:
    op.create_table(
        "identification",
        sa.Column("identificationID", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("occurrenceID", sa.String(), nullable=False),
        sa.Column("scientificName", sa.String(), nullable=True),
        sa.Column("taxonRank", sa.String(), nullable=True),
        sa.Column("classificationProbability", sa.Double(), nullable=True),
        sa.Column("probabilities", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("identificationVerificationStatus", sa.String(), nullable=False),
        sa.Column("modelID", sa.String(), nullable=True),
        sa.Column("settingsHash", sa.String(), nullable=True),
        sa.Column("identifiedBy", sa.String(), nullable=True),
        sa.Column("dateIdentified", sa.String(), nullable=False),
        sa.CheckConstraint(
            '"identificationVerificationStatus" IN '
            "('predicted', 'validated', 'dubious', 'discarded', 'unknown')",
            name=op.f("ck_identification_status"),
        ),
        sa.CheckConstraint(
            '"modelID" IS NOT NULL OR "identifiedBy" IS NOT NULL',
            name=op.f("ck_identification_author"),
        ),
        sa.ForeignKeyConstraint(
            ["modelID"], ["model.modelID"], name=op.f("fk_identification_modelID")
        ),
        sa.ForeignKeyConstraint(
            ["occurrenceID"], ["specimen.occurrenceID"], name=op.f("fk_identification_occurrenceID")
        ),
        sa.PrimaryKeyConstraint("identificationID", name=op.f("pk_identification")),
    )
    op.create_index(op.f("ix_identification_modelID"), "identification", ["modelID"], unique=False)
    op.create_index(
        op.f("ix_identification_occurrenceID"), "identification", ["occurrenceID"], unique=False
    )

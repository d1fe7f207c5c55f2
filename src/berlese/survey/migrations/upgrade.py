"""Bring a survey's database to the schema of this program, or refuse a newer one."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from berlese.errors import SurveyError


def migration_config() -> Config:
    """Tell Alembic where the migrations lie."""
    config = Config()
    # Alembic's configuration would read a percent sign in a folder's name as a variable.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def upgrade_schema(engine: Engine, database: Path) -> None:
    """Run the migrations that a database lacks, all in one transaction.

    Parameters
    ----------
    engine : Engine
        Connected to the database.
    database : Path
        Its file, for messages.

    Raises
    ------
    SurveyError
        If a newer berlese made the database.
    """
    config = migration_config()
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head()
    with engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    if revision == head:
        return
    if revision is not None and revision not in {
        each.revision for each in scripts.walk_revisions()
    }:
        raise SurveyError(
            f"{database}: has schema {revision!r}, newer than this berlese knows ({head!r}); "
            "update berlese."
        )
    with engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection:
        config.attributes["connection"] = connection
        with connection.begin():
            command.upgrade(config, "head")

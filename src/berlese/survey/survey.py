"""A survey: one folder with its settings, its database and all that is made from its photos.

::

    my-survey/
      survey.toml    name, taxonomy, mm per pixel, basis of record
      survey.db      SQLite, see `berlese.survey.tables`
      crops/ features/ models/ exports/ failures.csv

Photos stay where they lie and are never written to. Only one process works on a survey at a
time (`Survey.exclusive`); reading is open to any number.
"""

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, Select, create_engine, event, func, select
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session, sessionmaker

from berlese import __version__
from berlese.errors import SettingError, SurveyError, as_word
from berlese.photos.writing import write_text_atomic
from berlese.survey.migrations.upgrade import upgrade_schema
from berlese.survey.tables import Run

SETTINGS_NAME = "survey.toml"
DATABASE_NAME = "survey.db"
LOCK_NAME = ".lock"
SUBFOLDERS = ("crops", "features", "models", "exports")
BUSY_TIMEOUT_S = 30
BASES_OF_RECORD = (
    "MachineObservation",
    "HumanObservation",
    "PreservedSpecimen",
    "MaterialSample",
    "LivingSpecimen",
)


@dataclass(frozen=True, slots=True)
class SurveySettings:
    """What `survey.toml` says.

    Parameters
    ----------
    name : str
        Title of the survey.
    taxonomy : str
        The checklist that the names follow, as exports shall state it; may be empty.
    mm_per_pixel : float, optional
        For photos that carry no scale of their own.
    basis_of_record : str
        Darwin Core's term; one of `BASES_OF_RECORD`.
    """

    name: str
    taxonomy: str = ""
    mm_per_pixel: float | None = None
    basis_of_record: str = "MachineObservation"

    def __post_init__(self) -> None:
        scale = self.mm_per_pixel
        if scale is not None and not (isfinite(scale) and scale > 0):
            raise SettingError(f"mm_per_pixel must be a number above 0, got {scale!r}.")
        if self.basis_of_record not in BASES_OF_RECORD:
            allowed = ", ".join(BASES_OF_RECORD)
            raise SettingError(
                f"basis_of_record must be one of {allowed}; got {self.basis_of_record!r}."
            )

    def to_toml(self) -> str:
        """Write the settings as TOML text."""
        scale = (
            "# mm_per_pixel = 0.02"
            if self.mm_per_pixel is None
            else f"mm_per_pixel = {float(self.mm_per_pixel)!r}"
        )
        return (
            "# A berlese survey. You may edit this file; berlese only reads it.\n"
            f"name = {_toml_string(self.name)}\n"
            "# The checklist that the names follow.\n"
            f"taxonomy = {_toml_string(self.taxonomy)}\n"
            "# Millimetres per pixel of photos that carry no scale of their own.\n"
            f"{scale}\n"
            f"# One of {', '.join(BASES_OF_RECORD)}.\n"
            f"basis_of_record = {_toml_string(self.basis_of_record)}\n"
        )

    @classmethod
    def read(cls, path: Path) -> "SurveySettings":
        """Read `survey.toml`; unknown keys and wrong types are refused by name."""
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SurveyError(f"{path}: cannot be read as TOML ({error}).") from error
        kinds: dict[str, tuple[type, ...]] = {
            "name": (str,),
            "taxonomy": (str,),
            "mm_per_pixel": (float, int),
            "basis_of_record": (str,),
        }
        for key, value in content.items():
            if key not in kinds:
                raise SurveyError(f"{path}: unknown key {key!r}; expected {', '.join(kinds)}.")
            if not isinstance(value, kinds[key]) or isinstance(value, bool):
                wanted = "text in quotes" if kinds[key] == (str,) else "a number"
                raise SurveyError(f"{path}: {key} must be {wanted}, got {value!r}.")
        try:
            return cls(**{"name": path.parent.name} | content)
        except SettingError as error:
            raise SurveyError(f"{path}: {error}") from error


def _toml_string(text: str) -> str:
    # A JSON string is a TOML basic string, but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


class Survey:
    """An open survey folder; a context manager that closes its database.

    Made by `Survey.create`, `Survey.open` or `Survey.open_or_create`.

    Attributes
    ----------
    folder : Path
        Absolute.
    settings : SurveySettings
        From `survey.toml`.
    """

    def __init__(self, folder: Path, settings: SurveySettings, engine: Engine) -> None:
        self.folder = folder
        self.settings = settings
        self._engine = engine
        self._sessions = sessionmaker(engine)
        self._lock = _lock_of(folder)

    @classmethod
    def create(cls, folder: Path | str, settings: SurveySettings | None = None) -> "Survey":
        """Make a new survey; what a killed `create` left behind is completed.

        Raises
        ------
        SurveyError
            If `folder` holds a survey already, is a file or cannot be written.
        """
        path = Path(folder).resolve()
        if is_survey(path):
            raise SurveyError(
                f"{path}: is a survey already; add photos to it (berlese add "
                f"{as_word(folder)} PHOTO...), or choose another folder."
            )
        if path.is_file():
            raise SurveyError(
                f"{path}: no survey can be made here: it is a file; choose another folder."
            )
        try:
            path.mkdir(parents=True, exist_ok=True)
            with _held(_lock_of(path), path):
                for name in SUBFOLDERS:
                    (path / name).mkdir(exist_ok=True)
                _upgraded_engine(path / DATABASE_NAME).dispose()
                text = (settings or SurveySettings(path.name)).to_toml()
                write_text_atomic(path / SETTINGS_NAME, text)
        except OSError as error:
            raise SurveyError(f"{path}: no survey can be made here ({error}).") from error
        return cls.open(path)

    @classmethod
    def open(cls, folder: Path | str) -> "Survey":
        """Open a survey and bring its database to this program's schema.

        Raises
        ------
        SurveyError
            If there is no survey, its settings or database are damaged, or a newer berlese
            made it.
        """
        path = Path(folder).resolve()
        if path.is_file():
            raise SurveyError(f"{path}: is a file; expected the folder of a survey.")
        if not is_survey(path):
            raise SurveyError(
                f"{path}: is no survey (it has no {SETTINGS_NAME}); "
                f"check the path, or make one: berlese init {as_word(folder)}"
            )
        settings = SurveySettings.read(path / SETTINGS_NAME)
        if not (path / DATABASE_NAME).is_file():
            raise SurveyError(f"{path / DATABASE_NAME}: is missing; restore it from a backup.")
        for name in SUBFOLDERS:
            (path / name).mkdir(exist_ok=True)
        return cls(path, settings, _upgraded_engine(path / DATABASE_NAME))

    @classmethod
    def open_or_create(cls, folder: Path | str, settings: SurveySettings | None = None) -> "Survey":
        """Open the survey in `folder`, or make it; `settings` are for a new one."""
        if is_survey(Path(folder)):
            return cls.open(folder)
        return cls.create(folder, settings)

    def __enter__(self) -> "Survey":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; the survey can be opened again."""
        self._engine.dispose()

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / DATABASE_NAME

    @property
    def crops(self) -> Path:
        """Folder of the cut-out animals."""
        return self.folder / "crops"

    @property
    def features(self) -> Path:
        """Folder of the feature store."""
        return self.folder / "features"

    @property
    def models(self) -> Path:
        """Folder of bundles trained for this survey."""
        return self.folder / "models"

    @property
    def exports(self) -> Path:
        """Folder for what other programs shall read."""
        return self.folder / "exports"

    def relative(self, path: Path) -> str:
        """Name a file as the survey stores it: relative, with forward slashes, if possible."""
        absolute = Path(path).parent.resolve() / Path(path).name
        try:
            return Path(os.path.relpath(absolute, self.folder)).as_posix()
        except ValueError:  # another drive on Windows
            return absolute.as_posix()

    def absolute(self, stored: str) -> Path:
        """Find the file that `relative` named."""
        return Path(os.path.normpath(self.folder / stored))

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session to read with; nothing is kept of what it changes."""
        with self._sessions() as session:
            yield session

    def count(self, query: Select[Any]) -> int:
        """Count the rows of a query such as `berlese.survey.tables.current_specimens`."""
        with self.reading() as session:
            return session.scalar(select(func.count()).select_from(query.subquery())) or 0

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Give a session in one transaction: kept whole on leaving, dropped whole on an error."""
        with self._sessions() as session, session.begin():
            session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})
            yield session

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other processes from working on this survey meanwhile; may be nested.

        Raises
        ------
        SurveyError
            If another process works on it. A killed process holds no lock.
        """
        with _held(self._lock, self.folder):
            yield

    @contextmanager
    def recorded(
        self, command: str, settings: Mapping[str, Any], input_hashes: Mapping[str, str]
    ) -> Iterator[None]:
        """Note in table `run` that a command works, and on leaving without error, that it ended.

        Parameters
        ----------
        command : str
            The verb.
        settings : mapping
            Its options; JSON types.
        input_hashes : mapping of str to str
            What it worked on: name to sha256.
        """
        with self.writing() as session:
            row = Run(
                command=command,
                version=__version__,
                settings=dict(settings),
                input_hashes=dict(input_hashes),
                started_at=utc_now(),
            )
            session.add(row)
            session.flush()
            run_id = row.id
        yield
        with self.writing() as session:
            session.get_one(Run, run_id).finished_at = utc_now()


def is_survey(folder: Path) -> bool:
    """Tell whether a folder is a survey: whether it has a `survey.toml`."""
    return (folder / SETTINGS_NAME).is_file()


def utc_now() -> str:
    """Give the time as ISO 8601 text, to the second, in UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _lock_of(folder: Path) -> FileLock:
    return FileLock(folder / LOCK_NAME)


@contextmanager
def _held(lock: FileLock, folder: Path) -> Iterator[None]:
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise SurveyError(
            f"{folder}: another berlese works on this survey; wait until it has ended."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _upgraded_engine(database: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{database.as_posix()}", connect_args={"timeout": BUSY_TIMEOUT_S}
    )
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin)
    try:
        upgrade_schema(engine, database)
    except DatabaseError as error:
        engine.dispose()
        raise SurveyError(f"{database}: cannot be used as a database ({error.orig}).") from error
    except SurveyError:
        engine.dispose()
        raise
    return engine


def _configure_sqlite(connection: Any, record: Any) -> None:
    # Python's driver would begin and end transactions by itself, and not for schema changes.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")

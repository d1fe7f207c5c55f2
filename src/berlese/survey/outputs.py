"""All tables of a survey at once: what `berlese table` and `berlese run` write."""

from pathlib import Path
from typing import Literal

from berlese.survey.community import write_tables
from berlese.survey.measurements import write_measurements
from berlese.survey.strangers import write_unknowns
from berlese.survey.survey import Survey
from berlese.survey.taxon_numbers import write_counts


def write_outputs(survey: Survey, *, level: Literal["sample", "site"] = "sample") -> list[Path]:
    """Write every CSV table that the survey has something for.

    Parameters
    ----------
    survey : Survey
    level : {"sample", "site"}
        What a row of community.csv is.

    Returns
    -------
    list of Path
        The files written; one whose promise does not hold any more is removed.
    """
    return [
        *write_tables(survey, level=level),
        *write_unknowns(survey),
        *write_counts(survey),
        *write_measurements(survey),
    ]

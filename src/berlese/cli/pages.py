"""HTML pages that open offline, from the templates of this package."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def render_page(template: str, **context: Any) -> str:
    """Fill in a template; text from outside is escaped, and a missing value is an error."""
    environment = Environment(
        loader=PackageLoader("berlese.cli"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**context)

"""`doctor` and `backbones`: what is there on this machine."""

from typing import Any

from berlese import __version__
from berlese.cli import flags
from berlese.cli.console import finish, print_json, print_table


def doctor(json: flags.Json = False) -> None:
    """Look at the installation: what is there, what is missing, what to do."""
    from berlese.cli.doctor import check_installation

    checks = check_installation()
    if json:
        print_json({"checks": [check.to_dict() for check in checks]})
    else:
        rows = [
            ["ok" if each.in_order else "missing", each.name, each.found, each.advice]
            for each in checks
        ]
        print_table(f"berlese {__version__}", ["", "what", "found", "what to do"], rows, left=4)
    finish(sum(not check.in_order for check in checks), 1)


def backbones(json: flags.Json = False) -> None:
    """List the feature extractors."""
    from berlese.features.backbones import listing

    rows = listing()
    if json:
        print_json({"backbones": [_backbone_row(info) for info in rows]})
        return
    cells = [
        [info.name, str(info.dim or ""), str(info.input_size or ""), info.licence, info.note]
        for info in rows
    ]
    print_table("Backbones", ["name", "values", "pixels", "licence", "note"], cells)


def _backbone_row(info: Any) -> dict[str, Any]:
    return {
        "name": info.name,
        "dim": info.dim,
        "input_size": info.input_size,
        "licence": info.licence,
        "source": info.source,
        "available": info.available,
    }

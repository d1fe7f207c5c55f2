"""Write `docs/reference/cli.md` and `python.md` from the program itself.

    .venv/bin/python docs/make_reference.py

A test holds both pages against the program, so that they cannot lag behind it.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

REFERENCE = Path(__file__).parent / "reference"
SOURCE = Path(__file__).parents[1] / "src" / "berlese"
PACKAGES = ("photos", "specimens", "features", "classify", "simulate", "study", "survey")
_ROLE = re.compile(r"\[/?(?:bold|dim|italic)[^\]]*\]")


def cli_page() -> str:
    """Say what every verb takes, in the order of `berlese --help`."""
    from berlese.cli.app import app

    root = typer.main.get_command(app)
    parts = [
        "# Command line",
        "",
        "Made from the program by `docs/make_reference.py`. Exit code 0: all done; 1: done, but "
        "some files failed (`failures.csv` says which and why); 2: nothing could be done.",
    ]
    for words, command in _commands(root, "berlese"):
        parts += ["", f"## {words}", "", (command.help or "").strip(), ""]
        parts += [*_usage(words, command), *_parameters(command)]
    return "\n".join(parts) + "\n"


def _commands(group: Any, words: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{words} {name}")
        else:
            yield f"{words} {name}", command


def _usage(words: str, command: Any) -> list[str]:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    taken = " ".join(
        f"{each.name.upper()}{'...' if each.nargs == -1 else ''}" for each in arguments
    )
    return [f"    {words} {taken} [OPTIONS]".replace("  [", " ["), ""]


def _parameters(command: Any) -> list[str]:
    rows = []
    for each in command.params:
        if each.name == "help":
            continue
        is_option = each.param_type_name == "option"
        name = ", ".join(f"`{opt}`" for opt in each.opts) if is_option else f"`{each.name.upper()}`"
        rows.append(f"| {name} | {_text(each.help)} | {_default(each)} |")
    return ["| what | meaning | default |", "|---|---|---|", *rows] if rows else []


def _text(help: str | None) -> str:
    return _ROLE.sub("", help or "").replace("|", "\\|").replace("\n", " ").strip()


def _default(parameter: Any) -> str:
    if parameter.required:
        return "needed"
    value = parameter.default
    if value is None or value is False or value in ((), "") or callable(value):
        return ""
    return f"`{value}`"


def python_page() -> str:
    """List the public classes and functions, a line each; their docstrings say the rest."""
    parts = [
        "# In Python",
        "",
        "Everything the program does can be called on arrays and folders. This list is made from "
        "the code by `docs/make_reference.py`; `help(name)` has shapes, units and errors.",
    ]
    for package in PACKAGES:
        folder = SOURCE / package
        for file in sorted(folder.rglob("*.py"), key=lambda file: (file.parent, file)):
            names = [] if "migrations" in file.parts else list(_public(_tree(file)))
            if file.name == "__init__.py" and "migrations" not in file.parts:
                level = "#" * (1 + len(file.parent.relative_to(SOURCE).parts))
                parts += ["", f"{level} {_dotted(file.parent)}", "", _first_line(_tree(file))]
            elif names:
                level = "#" * (1 + len(file.relative_to(SOURCE).parts))
                parts += ["", f"{level} {_dotted(file)}", "", _first_line(_tree(file)), ""]
                parts += [f"- `{name}`: {line}" for name, line in names]
    return "\n".join(parts) + "\n"


def _dotted(path: Path) -> str:
    return ".".join(("berlese", *path.relative_to(SOURCE).with_suffix("").parts))


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _public(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            line = _first_line(node)
            if line:
                yield node.name, line


def _first_line(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> str:
    return (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ").strip()


PAGES = {"cli.md": cli_page, "python.md": python_page}


def main() -> None:
    REFERENCE.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
        print(REFERENCE / name)


if __name__ == "__main__":
    main()

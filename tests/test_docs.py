"""The documentation says what the program does: its examples run, its commands and links exist."""

import ast
import importlib.util
import re
import shlex
from pathlib import Path

import pytest
import typer

from berlese.cli.app import app

CHECKOUT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *CHECKOUT.glob("docs/**/*.md")]
)
FENCE = re.compile(r"^```python(?P<mark>[^\n]*)\n(?P<code>.*?)^```", re.M | re.S)
LINK = re.compile(r"\]\((?!https?:|mailto:)(?P<target>[^)#\s]+)(?:#[^)]*)?\)")
INLINE = re.compile(r"`(?:\.venv/bin/)?(berlese [a-z][^`]*)`")
COMMAND_LINE = re.compile(r"^(?: {4,}|\$ )(?:\.venv/bin/)?(berlese [a-z].*)$", re.M)


def by_name(page):
    return str(page.relative_to(CHECKOUT))


@pytest.mark.parametrize("page", [p for p in PAGES if FENCE.search(p.read_text())], ids=by_name)
def test_the_python_examples_of_a_page_run_from_top_to_bottom(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "example"}
    for fence in FENCE.finditer(page.read_text(encoding="utf-8")):
        exec(compile(fence["code"], str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_what_a_page_links_to_is_there(page):
    for link in LINK.finditer(page.read_text(encoding="utf-8")):
        assert (page.parent / link["target"]).exists(), f"{page.name} links to {link['target']}"


def commands_of(page):
    text = page.read_text(encoding="utf-8")
    found = [match[1] for match in (*INLINE.finditer(text), *COMMAND_LINE.finditer(text))]
    return [each.split("#")[0].split(" · ")[0].replace("\n", " ") for each in found]


def verb_of(words):
    """Follow the words to a verb; give it and what is left."""
    command = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        assert words[0] in command.commands, f"there is no verb {words[0]!r}"
        command, words = command.commands[words[0]], words[1:]
    return command, words


@pytest.mark.parametrize("page", [p for p in PAGES if commands_of(p)], ids=by_name)
def test_the_commands_of_a_page_exist_with_their_options(page):
    for line in commands_of(page):
        words = [each for each in shlex.split(line.replace("'", "").replace("...", "")) if each]
        command, rest = verb_of(words[1:])
        known = {opt for each in getattr(command, "params", ()) for opt in each.opts}
        for word in rest:
            option = word.split("=")[0]
            if option.startswith("--"):
                assert option in known | {"--help"}, f"{by_name(page)}: {line}"


def reference():
    path = CHECKOUT / "docs" / "make_reference.py"
    spec = importlib.util.spec_from_file_location("make_reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["cli.md", "python.md"])
def test_the_reference_is_what_the_program_has(name):
    expected = reference().PAGES[name]()
    found = (CHECKOUT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert found == expected, "run `.venv/bin/python docs/make_reference.py`"


def test_every_page_is_in_the_navigation():
    navigation = (CHECKOUT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = set(re.findall(r":\s*(\S+\.md)\s*$", navigation, re.M))
    there = {str(page.relative_to(CHECKOUT / "docs")) for page in CHECKOUT.glob("docs/**/*.md")}
    assert listed == there


def test_every_public_name_has_a_docstring():
    missing = []
    for file in sorted((CHECKOUT / "src").rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            public = isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name[0] != "_"
            if public and ast.get_docstring(node) is None:
                missing.append(f"{file.name}:{node.lineno} {node.name}")
    assert not missing

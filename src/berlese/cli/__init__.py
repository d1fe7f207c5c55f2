"""The command line: verbs parse, call the library and print."""

import io
import sys


def main() -> None:
    """Run `berlese`; the entry point of the installed program."""
    from berlese.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file's name may hold bytes, or a console lack letters, that cannot be printed.
            stream.reconfigure(errors="backslashreplace")
    app()

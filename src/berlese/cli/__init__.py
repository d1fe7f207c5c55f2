"""The command line: verbs parse, call the library and print."""


def main() -> None:
    """Run `berlese`; the entry point of the installed program."""
    from berlese.cli.app import app

    app()

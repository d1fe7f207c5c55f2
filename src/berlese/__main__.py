"""``python -m berlese`` is ``berlese``."""

from berlese.cli import main

if __name__ == "__main__":
    main()

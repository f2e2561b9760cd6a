"""`robotd` and `python -m robotd`."""

from robotd.cli import main

if __name__ == "__main__":
    main()

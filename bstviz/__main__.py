"""``python -m bstviz``: the command line."""

from bstviz.cli.app import main

if __name__ == "__main__":
    main()

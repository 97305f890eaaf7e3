"""The command line: thin commands over the package, a module for each kind of work; ``--json`` for programs."""

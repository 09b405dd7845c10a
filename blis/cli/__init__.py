"""The `blis` command: one subcommand a file.

In come arguments; out go results on stdout, diagnostics on stderr, and an exit code: 0, 1 failure, 2 wrong input.
Read `main.py` first, then `run.py`.
"""

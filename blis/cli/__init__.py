"""The `blis` command."""

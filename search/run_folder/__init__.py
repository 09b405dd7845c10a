"""What is kept of a search: the run folder, its pictures, and the MLflow store.

In come settings, archive and verdict; out come files, each written whole or not at all.
Read `export.py` first.
"""

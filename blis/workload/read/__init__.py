"""Requests read from files.

In comes a file in a format that `trace_formats.py` or `csv_requests.py` knows; out comes a `RequestTable`.
Read `traces.py` first: which part of a file is used, how fast, and what the file does not say.
"""

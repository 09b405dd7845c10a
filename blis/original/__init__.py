"""What the Go original reads and prints: its JSON and text, defaults file, presets, foreign files.

In comes a file or a run of ours; out comes ours from theirs, or theirs from ours. Nothing new is added here.
Read `json_results.py` first.
"""

"""Detectors of trouble in a run that finished.

In come its requests and results; out comes a handful of numbers each, or a word for the state of the cluster.
Read `saturation.py` first; `anomalies.py` puts them together.
"""

"""Tables: what one room hands to the next, as plain arrays with one row a request.

In comes whatever a builder has gathered; out go frozen tables of requests and results, and their CSV.
Read `records.py` first: status codes and every field with its unit.
"""

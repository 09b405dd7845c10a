"""`blis serve`: a simulated cluster behind real HTTP, which clients meet as they would meet vLLM behind a router.

In come requests in OpenAI's form; out go tokens at the simulated times, errors in OpenAI's form and Prometheus metrics.
Read `service.py` first, then `fleet.py`, which drives the simulation by the clock on the wall; `asks.py` and
`replies.py` are the two ends of a request, `app.py` has the paths.
"""

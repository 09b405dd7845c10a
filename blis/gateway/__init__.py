"""A gateway: a policy bundle before real OpenAI-compatible servers, `blis serve --backend URL`.

Requests go through admission, gateway queue and routing by the kernels of a simulation (`desk.py`), on what servers say
of themselves (`watch.py`), and are sent on, elsewhere again if a server fails (`attempts.py`, `forward.py`). Read
`gateway.py` first.
"""

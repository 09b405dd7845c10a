"""`blis serve --backend`: a policy bundle that decides before real servers, by the kernels that decide in simulation.

What it remembers over a restart is in `state.py`, and in a database by `store.py`.
"""

"""How long a step takes: coefficients and where they come from."""

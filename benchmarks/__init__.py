"""How fast the simulator is: `make bench`."""

"""One thing of every kind that blis can be extended by, a file each."""

"""Policies side by side on the same requests: what differs, how sure that is, and a picture."""

"""Requests: from a specification, from a file, or built by hand; all become a RequestTable."""

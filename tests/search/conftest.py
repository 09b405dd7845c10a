"""Databases for the store of scores, as the gateway has them."""

from tests.blis.gateway.conftest import server, uri  # noqa: F401

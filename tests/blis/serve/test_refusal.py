from __future__ import annotations

import pytest

from blis.serve.refusal import RefusedError


@pytest.mark.parametrize(("given_s", "written"), [(0, "1"), (0.2, "1"), (1.2, "2"), (30, "30")])
def test_when_to_come_back_is_in_whole_seconds_and_never_at_once(given_s, written):
    assert RefusedError(429, "no", retry_after_s=given_s).headers == {"retry-after": written}


def test_an_error_has_the_form_of_openai():
    error = RefusedError(400, "wrong", "n")
    assert error.body == {"error": {"message": "wrong", "type": "BadRequestError", "param": "n", "code": 400}}
    assert error.headers == {}

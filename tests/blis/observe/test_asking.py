"""What a request says, and which addresses and keys are none."""

from __future__ import annotations

import pytest

from blis.errors import InputError
from blis.observe.asking import Asking


def test_the_two_apis_are_asked_in_their_own_words():
    chat, plain = Asking("http://h:1/v1/", "m", "chat"), Asking("https://h/base", "m", stream=False, extras=())
    assert chat.address == "http://h:1/v1/chat/completions" and plain.address == "https://h/base/v1/completions"
    assert chat.body("hi", 4) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 4,
        "stream": True,
        "stream_options": {"include_usage": True},
        "ignore_eos": True,
    }
    assert plain.body("hi", 0) == {"model": "m", "prompt": "hi", "max_tokens": 1, "stream": False}


def test_a_key_is_shown_where_it_goes_over_a_network_unencrypted():
    urls = ("http://far.away", "https://far.away", "http://127.0.0.1:8000", "http://localhost/v1", "http://[::1]:80")
    assert [Asking(url, "m", key="k").shows_key for url in urls] == [True, False, False, False, False]
    assert not Asking("http://far.away", "m").shows_key
    assert [Asking(url, "m").secure for url in ("HTTPS://h", "https://h", "http://h")] == [True, True, False]


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://me:hunter2@host:80", "no user and no password"),
        ("ftp://hunter2", "http://HOST:PORT"),
        ("hunter2", "http://HOST:PORT"),
        ("http://host:80/?key=hunter2", "http://HOST:PORT"),
        ("http://hunter2:99999999", "http://HOST:PORT"),
        ("http://[hunter2", "http://HOST:PORT"),
    ],
)
def test_a_wrong_address_is_an_input_error_that_does_not_repeat_it(url, problem):
    with pytest.raises(InputError, match=problem) as caught:
        Asking(url, "m")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("key", ["schlüssel", "schl\nX: y"])
def test_a_key_that_no_header_can_have_is_an_input_error_that_does_not_repeat_it(key):
    with pytest.raises(InputError, match="the API key has characters") as caught:
        Asking("http://127.0.0.1:1", "m", key=key)
    assert "schl" not in str(caught.value)

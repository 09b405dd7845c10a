"""Real sockets and a process of its own: what a client of the standard library sees."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from blis.errors import InputError
from blis.serve.server import address, listening
from tests.places import ROOT

PATH = "/v1/completions"
DEPLOYMENT = ("--alpha-coeffs", "0,0,0", "--beta-coeffs", "5000,20,30", "--total-kv-blocks", "10000")


@contextmanager
def served(*flags: str, servers: int = 1) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """`blis serve` in a process, and its URLs."""
    command = [sys.executable, "-m", "blis.cli.main", "serve", *DEPLOYMENT, *flags]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stderr is not None
    try:
        urls = []
        for line in process.stderr:
            urls += re.findall(r"http://\S+:\d+", line)
            if len(urls) == servers:
                break
        yield process, urls
    finally:
        process.kill()
        process.communicate()


def connection(url: str) -> HTTPConnection:
    return HTTPConnection(urlsplit(url).netloc, timeout=30)


def post(url: str, **body: object) -> tuple[int, dict]:
    with closing(connection(url)) as http:
        http.request("POST", PATH, json.dumps(body))
        answer = http.getresponse()
        return answer.status, json.loads(answer.read())


def test_a_stream_comes_token_by_token_and_ctrl_c_ends_in_good_order():
    with served("--port", "0") as (process, (url,)):
        http = connection(url)
        asked = {"prompt": "x", "max_tokens": 40, "ignore_eos": True, "stream": True}
        http.request("POST", PATH, json.dumps(asked))
        stream = http.getresponse()
        assert stream.status == 200
        first = stream.readline()
        process.send_signal(signal.SIGINT)
        rest = stream.read()
        assert first.startswith(b"data: {") and rest.endswith(b"data: [DONE]\n\n")
        assert (first + rest).count(b'"text"') == 40
        assert process.wait(20) == 0


def test_whoever_has_not_ended_after_the_drain_is_told_so():
    with served("--port", "0", "--drain", "0") as (process, (url,)), ThreadPoolExecutor(1) as others:
        asked = {"prompt": "x", "max_tokens": 100_000, "ignore_eos": True}
        whole = others.submit(post, url, **asked)
        while facts(url)["in_flight"] < 1:
            time.sleep(0.01)
        http = connection(url)
        http.request("POST", PATH, json.dumps({**asked, "stream": True}))
        stream = http.getresponse()
        stream.readline()
        process.send_signal(signal.SIGTERM)
        *_, error, done = stream.read().decode().strip().split("\n\n")
        assert json.loads(error.removeprefix("data: "))["error"]["code"] == 503 and done == "data: [DONE]"
        assert whole.result()[0] == 503
        assert process.wait(20) == 0
        assert process.stderr is not None and "Traceback" not in process.stderr.read()


def test_each_instance_on_a_port_of_its_own():
    with served("--num-instances", "3", "--ports-from", "0", "--speed", "100", servers=3) as (_, urls):
        assert len(set(urls)) == 3
        with ThreadPoolExecutor(3) as clients:
            answers = list(clients.map(lambda url: post(url, prompt="x", max_tokens=5), urls))
        assert [status for status, _ in answers] == [200] * 3


def test_who_goes_away_is_given_up():
    with served("--port", "0") as (_, (url,)):
        for stream in (False, True):
            http = connection(url)
            body = {"prompt": "x", "max_tokens": 100_000, "ignore_eos": True, "stream": stream}
            http.request("POST", PATH, json.dumps(body))
            assert not stream or http.getresponse().readline()
            time.sleep(0.05)
            http.close()
        end = time.monotonic() + 20
        while facts(url)["in_flight"] and time.monotonic() < end:
            time.sleep(0.05)
        assert [each["status"] for each in facts(url)["latest"]] == ["aborted", "aborted"]


def test_who_goes_away_before_all_of_a_request_is_there_is_nothing_to_tell():
    with served("--port", "0") as (process, (url,)):
        where = urlsplit(url)
        with socket.create_connection((where.hostname, where.port)) as client:
            client.sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{{".encode())
            time.sleep(0.2)
        assert facts(url)["in_flight"] == 0
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1] == ""
        assert process.returncode == 0


def test_what_clients_do_wrong_is_nothing_on_the_terminal():
    with served("--port", "0", "--access-log") as (process, (url,)):
        where = urlsplit(url)
        websocket = (
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
        )
        wrong = f"GET {PATH} HTTP/1.1\r\nHost: x\r\n{websocket}\r\n", "no HTTP at all\r\n\r\n"
        heads = []
        for text in wrong:
            with socket.create_connection((where.hostname, where.port)) as client:
                client.sendall(text.encode())
                heads.append(client.recv(1000).split(b"\r\n")[0])
        assert heads == [b"HTTP/1.1 405 Method Not Allowed", b"HTTP/1.1 400 Bad Request"]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert err == "" and f"GET {PATH}" in out


def facts(url: str) -> dict:
    with closing(connection(url)) as http:
        http.request("GET", "/api/cluster/status")
        return json.loads(http.getresponse().read())


def test_a_port_in_use_is_said_in_one_line():
    with listening("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"cannot listen on 127.0.0.1:{port}"):
            listening("127.0.0.1", port)
        assert address(taken) == f"http://127.0.0.1:{port}"


def test_what_is_written_is_sent_at_once():
    with listening("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()) as client:
        accepted, _ = listener.accept()
        assert client and accepted.proto == socket.IPPROTO_TCP  # by this asyncio switches Nagle's algorithm off
        accepted.close()


def test_a_host_that_is_none_is_said():
    with pytest.raises(InputError, match=r"cannot listen on 203\.0\.113\.7:0"):
        listening("203.0.113.7", 0)
    with socket.socket() as other, pytest.raises(InputError):
        other.bind(("127.0.0.1", 0))
        listening("127.0.0.1", other.getsockname()[1])

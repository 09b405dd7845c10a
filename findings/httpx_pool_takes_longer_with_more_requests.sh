#!/usr/bin/env bash
# httpx 0.28.1 (httpcore 1.0.9): the CPU time of a request grows with the number of requests that are under way at once,
# although each has a connection of its own and limits are off. The pool goes through all its requests and connections
# whenever one begins or ends, so that a load generator or a proxy with hundreds of streams spends its time there. aiohttp
# 3.14.5 takes the same time a request, however many there are.
#
# Expected: a request takes what it takes, whoever else is under way.
# Seen (CPU µs a request, 8 and 512 at once, on a busy machine): httpx 1,948 and 8,372 (2,303 and 10,640); aiohttp 227 and 180.
# Fails if httpx no longer takes twice as long with 512 as with 8, or aiohttp does.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "httpx==0.28.1" "httpcore==1.0.9" "aiohttp==3.14.5"

cat > "$folder/server.py" <<'PY'
import asyncio

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Connection(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if data.endswith(b"\r\n\r\n"):
            asyncio.get_running_loop().call_later(0.2, self.transport.write, ANSWER)


async def main():
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
PY

cat > "$folder/client.py" <<'PY'
import asyncio
import sys
import time

import aiohttp
import httpx

URL = f"http://127.0.0.1:{sys.argv[1]}/"


async def cpu_us(get, at_once):
    """CPU time of a request after everybody has a connection."""
    await asyncio.gather(*(get() for _ in range(at_once)))
    rounds = max(1536 // at_once, 2)
    begin_s = time.process_time()
    for _ in range(rounds):
        await asyncio.gather(*(get() for _ in range(at_once)))
    return (time.process_time() - begin_s) / (rounds * at_once) * 1e6


async def main():
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    found = {}
    async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:
        found["httpx"] = [await cpu_us(lambda: client.get(URL), n) for n in (8, 512)]

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def get():
            async with session.get(URL) as answer:
                await answer.read()

        found["aiohttp"] = [await cpu_us(get, n) for n in (8, 512)]
    for name, (few, many) in found.items():
        print(f"{name}: {few:.0f} µs of CPU a request with 8 at once, {many:.0f} with 512: {many / few:.1f} times")
    as_seen = found["httpx"][1] > 2 * found["httpx"][0] and found["aiohttp"][1] < 2 * found["aiohttp"][0]
    print("as seen" if as_seen else "this has changed")
    sys.exit(not as_seen)


asyncio.run(main())
PY

"$folder/venv/bin/python" "$folder/server.py" > "$folder/port" &
server=$!
trap 'kill $server; rm -rf "$folder"' EXIT
while [ ! -s "$folder/port" ]; do sleep 0.1; done
"$folder/venv/bin/python" "$folder/client.py" "$(cat "$folder/port")"

#!/usr/bin/env bash
# inference-perf 0.7.0 leaves failed requests out of goodput_percentage: a server that fails half of them has 100 %.
#
# Expected: the share of the requests sent that kept their SLO, as guidellm 0.8.1 (slo_attainment) and AIPerf 0.13.0
# (good_request_fraction) give it; a request without an answer has not kept it. An overloaded server that refuses most
# requests and is quick with the rest would otherwise look perfect.
# Seen: of 10 requests 5 are answered with status 500, and summary_lifecycle_metrics.json has goodput_percentage 100.0
# with total_requests 5. Only successes.count and failures.count beside it show the others.
# It needs Python 3.12, as inference-perf does.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server"; fi; rm -rf "$folder"' EXIT

"${PYTHON:-python3.12}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "inference-perf==0.7.0"

cat > "$folder/server.py" <<'PY'
"""Completions of three tokens at once; every other request fails."""
import itertools
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

numbers = itertools.count()


class Completions(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if next(numbers) % 2:
            self.send_response(500)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for word in ("w0", " w1", " w2"):
            chunk = {"object": "text_completion", "choices": [{"index": 0, "text": word}]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Completions)
with open(sys.argv[1], "w") as out:
    out.write(str(server.server_port))
server.serve_forever()
PY
python3 "$folder/server.py" "$folder/port" & server=$!

"$folder/venv/bin/python" - "$folder/tokenizer" <<'PY' 2> /dev/null
import sys

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

words = Tokenizer(models.WordLevel({"?": 0, **{f"w{number}": number + 1 for number in range(100)}}, unk_token="?"))
words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
PreTrainedTokenizerFast(tokenizer_object=words, unk_token="?").save_pretrained(sys.argv[1])
PY

cat > "$folder/conf.yml" <<YML
api: {type: completion, streaming: true}
data:
  type: random
  input_distribution: {min: 6, max: 8, mean: 7, std_dev: 0.5, total_count: 20}
  output_distribution: {min: 3, max: 3, mean: 3, std_dev: 0, total_count: 20}
load: {type: constant, num_workers: 1, stages: [{rate: 5, duration: 2}]}
server: {type: vllm, model_name: m, base_url: "http://127.0.0.1:$(cat "$folder/port")"}
tokenizer: {pretrained_model_name_or_path: $folder/tokenizer}
report: {request_lifecycle: {summary: true}, goodput: {constraints: {ttft: 5}}}
storage: {local_storage: {path: $folder/out}}
YML
"$folder/venv/bin/inference-perf" -c "$folder/conf.yml" > "$folder/log" 2>&1 || { tail -20 "$folder/log"; exit 1; }

"$folder/venv/bin/python" - "$folder/out/summary_lifecycle_metrics.json" <<'PY'
import json
import sys

found = json.load(open(sys.argv[1]))
failed, goodput = found["failures"]["count"], found["successes"]["goodput_metrics"]
print(f"{found['successes']['count']} requests answered, {failed} failed")
print(f"goodput_percentage {goodput['goodput_percentage']} of total_requests {goodput['total_requests']}")
sys.exit(0 if failed and goodput["goodput_percentage"] == 100 else 1)  # 1: the behaviour described above has changed
PY

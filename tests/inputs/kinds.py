"""The kinds of inputs, each a valid one that is mutated and the door that it goes through."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from blis.cli.main import main
from blis.deploy.dialects import DIALECTS, ROUTER
from blis.deploy.export_epp import export_epp
from blis.deploy.notes import Notes
from blis.deploy.targets import TARGETS
from blis.errors import InputError
from blis.scenario import load_scenario
from blis.yaml_strict import flat_keys, yaml_text
from search.application import compose_settings
from tests.blis.cli.test_data_files import DEFAULTS
from tests.blis.deploy.random_bundles import router_bundle
from tests.blis.workload.recorded.logs import HEADER, META, RESULTS, bench, request_log, trace
from tests.inputs.mistakes import STRANGE, mutate_arguments, mutate_rows
from tests.laws.fuzz_yaml import MAX_INSTANCES, REQUESTS
from tests.laws.yaml_cases import random_bundle, random_scenario
from tests.laws.yaml_mutations import mutate

ACCEPTED, REFUSED = "accepted", "refused"
LONGEST_LINE = 3000

Answer = str  # ACCEPTED, REFUSED, or what is wrong with how an input was treated
SCENARIO = """\
instance: {latency_model: {alpha: [100, 1, 10], beta: [5000, 20, 30]}, kv: {blocks: 500}}
cluster: {instances: 2}
"""

MOONCAKE = "\n".join(
    json.dumps({"timestamp": 700 * i, "input_length": 600, "output_length": i, "hash_ids": [1, i]}) for i in range(6)
)
AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n" + "\n".join(
    f"2024-05-10 00:00:0{i}.00993{i}+00:00,{100 + i},{i}" for i in range(6)
)
COMPACT = "arrived_at,num_prefill_tokens,num_decode_tokens\n" + "\n".join(f"{i / 3},{40 + i},{i}" for i in range(6))
TOKENS = "arrived,p,d,prompt,output\n" + "\n".join(f'{i}.5,2,1,"[1, {i}]","[7]"' for i in range(6))


def command(*arguments: object) -> Answer:
    """How `blis` treats a command line."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as exit_:  # --help, --version
            status = int(exit_.code or 0)
    if status == 0:
        return ACCEPTED if out.getvalue() else "nothing on stdout"
    if status != 2:
        return f"status {status}: {err.getvalue()[:300]!r}"
    said = "".join(line for line in err.getvalue().splitlines(keepends=True) if not line.startswith("blis: warning:"))
    return _refused(said or out.getvalue())


def _refused(said: str) -> Answer:
    """Whether it is one line, and not too long."""
    if said.count("\n") > 1 or not said.strip():
        return f"not one line: {said[:300]!r}"
    return REFUSED if len(said) <= LONGEST_LINE else f"{len(said)} letters: {said[:300]!r}"


def _run(folder: Path, *more: object) -> Answer:
    """A run of the valid files, but for what is said otherwise; what it prints must be numbers."""
    (folder / "scenario.yaml").write_text(SCENARIO)
    (folder / "requests.csv").write_text(REQUESTS)
    given = [str(argument) for argument in more]
    config = [] if "--config" in given else ["--config", folder / "scenario.yaml"]
    requests = [] if {"--requests", "--workload-spec"} & {*given} else ["--requests", folder / "requests.csv"]
    return command("run", *config, *requests, *given)


def scenario(rng: Random, folder: Path) -> Answer:
    """A scenario file."""
    path = folder / "s.yaml"
    path.write_bytes(mutate(rng, random_scenario(rng)))
    checked = command("validate", "--kind", "scenario", path)
    if checked != ACCEPTED or load_scenario(path).cluster.instances > MAX_INSTANCES:
        return checked
    return _run(folder, "--config", path)


def bundle(rng: Random, folder: Path) -> Answer:
    """A policy bundle."""
    path = folder / "b.yaml"
    path.write_bytes(mutate(rng, random_bundle(rng)))
    checked = command("validate", "--kind", "bundle", path)
    return checked if checked != ACCEPTED else _run(folder, "--policy-config", path)


def workload(rng: Random, folder: Path) -> Answer:
    """A workload specification, with clients or with a population; few requests of it are drawn."""
    path = folder / "w.yaml"
    path.write_bytes(mutate(rng, rng.choice([_clients, _population])()))
    checked = command("validate", "--kind", "workload", path)
    return checked if checked != ACCEPTED else _run(folder, "--workload-spec", path, "--num-requests", 20)


def rows(rng: Random, folder: Path) -> Answer:
    """A file of requests, ours or a trace."""
    name, text = rng.choice(
        [("r.csv", REQUESTS), ("m.jsonl", MOONCAKE), ("a.csv", AZURE), ("c.csv", COMPACT), ("t.csv", TOKENS)]
    )
    path = folder / name
    path.write_bytes(mutate_rows(rng, text))
    checked = command("validate", path)
    ran = _run(folder, "--requests", path)
    if checked == ACCEPTED and ran == ACCEPTED:
        return command("traces", "--check", path, f"--block-size-in-tokens={rng.choice([*(16,) * 200, *STRANGE])}")
    return ran if checked in (ACCEPTED, REFUSED) else checked


def others(rng: Random, folder: Path) -> Answer:
    """Files of others that describe a deployment: a model's and a GPU's numbers, the original's defaults."""
    model, gpus = json.dumps(_MODEL), json.dumps({"H100": _GPU})
    (folder / "config.json").write_bytes(mutate_rows(rng, model) if rng.random() < 0.5 else model.encode())
    (folder / "gpus.json").write_bytes(mutate_rows(rng, gpus) if rng.random() < 0.5 else gpus.encode())
    (folder / "defaults.yaml").write_bytes(mutate(rng, DEFAULTS))
    files = rng.choice(
        [
            ("--model=x", "--tp=1", f"--model-config-folder={folder}", f"--hardware-config={folder / 'gpus.json'}"),
            ("--model=org/model", "--tp=2", f"--defaults-filepath={folder / 'defaults.yaml'}", "--workload=tiny"),
        ]
    )
    return command("run", "--hardware=H100", "--num-requests=9", *files)


_MODEL = {
    "model_type": "llama", "num_hidden_layers": 32, "hidden_size": 4096, "num_attention_heads": 32,
    "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "torch_dtype": "bfloat16",
}  # fmt: skip
_GPU = {
    "TFlopsPeak": 989.5, "BwPeakTBs": 3.35, "BwEffConstant": 0.72, "TOverheadMicros": 500.0, "perLayerOverhead": 20.0,
    "mfuPrefill": 0.65, "mfuDecode": 0.12, "allReduceLatency": 20.0,
}  # fmt: skip


def routers(rng: Random, folder: Path) -> Answer:
    """A router's configuration and an engine's arguments, imported; and a bundle, exported."""
    if rng.random() < 0.3:
        path = folder / "b.yaml"
        path.write_bytes(mutate(rng, random_bundle(rng)))
        target, dialect = rng.choice(list(TARGETS)), rng.choice(list(DIALECTS))
        return command("export", path, f"--target={target}", f"--dialect={dialect}")
    router, engine = export_epp(router_bundle(rng), DIALECTS[ROUTER], Notes()), dict(_SERVE)
    wrong = rng.random() < 0.7
    (folder / "epp.yaml").write_bytes(mutate(rng, router) if wrong else yaml_text(router).encode())
    (folder / "serve.yaml").write_bytes(yaml_text(engine).encode() if wrong else mutate(rng, engine))
    imported = command("import", folder / "epp.yaml", "--vllm", folder / "serve.yaml", "--out", folder / "mine.yaml")
    return imported if imported != ACCEPTED else command("validate", "--kind", "bundle", folder / "mine.yaml")


_SERVE = {
    "model": "org/m", "max-num-seqs": 64, "max_num_batched_tokens": 4096, "long-prefill-token-threshold": 512,
    "scheduling-policy": "priority", "enable-prefix-caching": True, "block-size": 16, "port": 8000,
}  # fmt: skip


def flags(rng: Random, folder: Path) -> Answer:
    """Flags of `blis run`."""
    given = ["--seed=3", "--num-requests=9", "--rate=20", "--rate-scale=1.2", "--num-instances=2", "--horizon=9000000"]
    given += ["--alpha-coeffs=1,2,3", "--beta-coeffs=1000,2,3", "--prompt-tokens=90", "--output-tokens=9", "--tp=2"]
    given += ["--routing-policy=weighted", "--routing-scorers=queue-depth:1,kv-utilization:2", "--max-model-len=5000"]
    given += [
        "--total-kv-blocks=900",
        "--admission-latency=5",
        "--workload=distribution",
        "--scheduler=sjf",
        "--engine=vllm-2026",
        "--log=error",
    ]
    chosen = rng.sample(given, rng.randint(1, 6))
    return command("run", "--model=qwen/qwen2.5-7b-instruct", "--num-requests=9", *mutate_arguments(rng, chosen))


def overrides(rng: Random, folder: Path) -> Answer:
    """Overrides of a search, composed and checked."""
    chosen = rng.sample([*_CHOICES, *_keys()], rng.randint(1, 3))
    try:
        compose_settings(mutate_arguments(rng, chosen), folder)
    except InputError as error:
        return _refused(str(error) + "\n")
    return ACCEPTED


_CHOICES = (
    "cluster=h100x4",
    "workload=chat_bursty",
    "driver=random",
    "search_space=admission",
    "experiment=quickstart",
)


@cache
def _keys() -> tuple[str, ...]:
    """All keys of the configuration with the values that they have."""
    return tuple(f"{key}={value}" for key, value in flat_keys(compose_settings([]).config).items())


def _clients() -> dict[str, Any]:
    client = {
        "id": "chat", "tenant_id": "acme", "slo_class": "critical", "rate_fraction": 0.7, "prefix_group": "system",
        "prefix_length": 64, "arrival": {"process": "gamma", "cv": 2.0}, "requires": {"gpu": "H100"},
        "input_distribution": {"type": "gaussian", "params": {"mean": 100, "std_dev": 20, "min": 2, "max": 300}},
        "output_distribution": {"type": "exponential", "params": {"mean": 9, "min": 1, "max": 90}},
    }  # fmt: skip
    return {"version": "1", "aggregate_rate": 9.0, "num_requests": 30, "horizon": 9_000_000, "clients": [client]}


def _population() -> dict[str, Any]:
    prefix = {"share": 0.5, "length_distribution": {"type": "log_uniform", "params": {"min": 20, "max": 90}}}
    population = {
        "arrival": {"process": "poisson"}, "tenants": {"count": 5, "zipf": 0.8}, "prefix": prefix,
        "classes": {"critical": 0.25, "batch": 0.75},
        "input_distribution": {"type": "constant", "params": {"value": 90}},
        "output_distribution": {"type": "exponential", "params": {"mean": 9}},
    }  # fmt: skip
    return {"aggregate_rate": 9.0, "num_requests": 30, "seed": 2, "population": population}


def logs(rng: Random, folder: Path) -> Answer:
    """A log of a real server, with what stands beside it."""
    for path in (request_log(folder), bench(folder), trace(folder, {"request_id": 0}, {"request_id": 1})):
        _mutate_file(rng, path)
    beside = {"x.meta.json": json.dumps(META), "x.timeseries.csv": TIMELINE, "t.yaml": HEADER, "r.csv": RESULTS}
    for name, text in beside.items():
        (folder / name).write_text(text)
        if rng.random() < 0.5:
            _mutate_file(rng, folder / name)
    name = rng.choice(["x.requests.jsonl", "bench.json", "t.csv", "t.yaml", "r.csv"])
    chosen = rng.sample(["--warm-up=1", "--first=0.5", "--rtt-ms=0.5", "--bandwidth-mbps=100"], rng.randint(1, 2))
    given = mutate_arguments(rng, chosen) if rng.random() < 0.2 else chosen
    return command("calibrate", folder / name, "--alpha-coeffs=0,1,0", "--beta-coeffs=9000,20,30", *given)


def fits(rng: Random, folder: Path) -> Answer:
    """A step log that coefficients are fitted to, or a file of coefficients that a run takes."""
    if rng.random() < 0.3:
        (folder / "steps.csv").write_bytes(mutate_rows(rng, STEPS))
        return command("fit", folder / "steps.csv", "--first=1", "--out", folder / "fitted.yaml")
    path = folder / "c.yaml"
    path.write_bytes(mutate(rng, _COEFFICIENTS))
    return command("run", "--coefficients", path, "--num-requests=9", "--rate=20", "--log=error")


STEPS = "duration_us,prefill_tokens,decodes,decode_context\n" + "\n".join(
    f"{9000 + 60 * (i % 5) * 90 + 80 * i},{i % 5 * 90},{i},{700 * i}" for i in range(1, 40)
)
_COEFFICIENTS = {
    "format": 1, "kind": "linear", "parameters": {"fixed_us": 9000.0, "prefill_us_token": 60.0, "ramp_us": 900.0},
    "source": "steps.csv: the first 39 of 39 steps", "n": 39, "error": {"e2e_mape": 2.5, "n": 39.0},
    "interval": {"fixed_us": [8000.0, 9900.0]}, "alpha": [0.0, 0.0, 0.0], "model": "org/m", "gpu": "H100", "tp": 2,
    "vllm": "0.19.0", "engine": "vllm-2026", "kv_blocks": 900, "block_size_tokens": 32, "assumed": ["max_running 256"],
    "draws": [{"fixed_us": 8500.0}, {"fixed_us": 9500.0, "ramp_tokens": 8.0}],
}  # fmt: skip


def _mutate_file(rng: Random, path: Path) -> None:
    path.write_bytes(mutate_rows(rng, path.read_text()))


TIMELINE = "t,running,waiting,kv_cache_pct\n" + "\n".join(f"{i}.0,{i},0,{i}.5" for i in range(4))

KINDS: Mapping[str, Callable[[Random, Path], Answer]] = {
    "scenario": scenario,
    "bundle": bundle,
    "workload": workload,
    "rows": rows,
    "others": others,
    "logs": logs,
    "fits": fits,
    "routers": routers,
    "flags": flags,
    "overrides": overrides,
}

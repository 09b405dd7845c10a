"""Several searches of one command: what each was asked for and what came of it."""

import json
from dataclasses import replace

from search.run_folder.jobs import jobs_table
from tests.search.small import small_settings
from tests.search.verdict.comparisons import drawn_verdict, trace_verdict


def test_a_row_a_search_with_what_it_alone_was_asked_for(tmp_path):
    settings = replace(small_settings(tmp_path), primary="llm-d")
    found = {"a": drawn_verdict().to_dict(), "b": trace_verdict().to_dict(), "c": {"outcome": "interrupted"}, "d": None}
    jobs = []
    for seed, (name, facts) in enumerate(found.items()):
        jobs.append(replace(settings, run_dir=tmp_path / name, overrides=("driver=random", f"seed={seed}")))
        (tmp_path / name).mkdir()
        if facts:
            (tmp_path / name / "verdict.json").write_text(json.dumps(facts))
    rows = [line.split("  ") for line in jobs_table(jobs).splitlines()[1:]]
    cells = [[cell.strip() for cell in row if cell] for row in rows]
    assert cells == [
        ["seed=0", "winner", "+0.060", "[+0.050, +0.070]", f"{tmp_path}/a"],
        ["seed=1", "winner", "+0.060", "[+0.050, +0.070]", f"{tmp_path}/b"],
        ["seed=2", "interrupted", f"{tmp_path}/c"],
        ["seed=3", "no verdict", f"{tmp_path}/d"],
    ]

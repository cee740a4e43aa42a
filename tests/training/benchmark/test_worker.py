from __future__ import annotations

import json

from training.benchmark import WorkerOptions, run_worker


def test_every_measurement_of_the_worker_is_in_the_table_and_in_the_json() -> None:
    said: list[str] = []
    report = run_worker(WorkerOptions(repeats=1, width=160, frames=3, say=said.append))
    names = [row[0] for row in report.rows()[1:]]
    assert names == list(json.loads(report.to_json())["seconds"])
    assert {"start to the first answer", "cancel, its answer", "cancel, the render's end"} <= set(names)
    assert sum("preview" in name for name in names) == 3
    assert all(second >= 0 for times in report.times for second in times.seconds)
    assert len(said) == 4

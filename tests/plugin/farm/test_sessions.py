"""What the openjd command line makes of a bundle; it stops a session at the first task that fails."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.engine.render.shots import outputs, write_exr
from tests.plugin.farm.jobs import make_job

pytest.importorskip("openjd.cli")


@pytest.mark.slow
def test_a_whole_job_runs_from_check_to_movie(tmp_path: Path) -> None:
    done = make_job(tmp_path, movie=True).session("Assemble", [])
    assert done.returncode == 0, done.stdout[-2000:]
    assert "openjd_status: 24 frames, all well" in done.stdout
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names == {f"out.{frame}.exr" for frame in range(1001, 1025)} | {"out.mp4", "out_contact_sheet.png"}


def test_a_session_stops_at_a_failed_chunk_and_says_why(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    file = tmp_path / "plate" / "plate.1002.exr"
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])
    done = job.session("Render", ["1001-1006", "1007-1012"])
    assert done.returncode != 0
    assert "openjd_fail: media.corrupt:" in done.stdout
    assert "1002" in done.stdout
    assert not [name for name in outputs(tmp_path) if int(name.split(".")[1]) > 1006]


def test_a_session_s_rules_map_folders_and_what_only_the_document_names(tmp_path: Path) -> None:
    job = make_job(tmp_path, 6)
    write_exr(tmp_path / "iris.exr", np.ones((8, 8, 3), dtype=np.float32), ("R", "G", "B"))
    document = job.bundle.folder / "shot.json"
    said = json.loads(document.read_text(encoding="utf-8")) | {"aperture": {"image": "/elsewhere/iris.exr"}}
    document.write_text(json.dumps(said), encoding="utf-8")
    for name, folder in job.bundle.values.items():
        job.bundle.values[name] = folder.replace(str(tmp_path), "/elsewhere")
    rule = {"source_path_format": "POSIX", "source_path": "/elsewhere", "destination_path": str(tmp_path)}
    rules = json.dumps({"version": "pathmapping-1.0", "path_mapping_rules": [rule]})
    done = job.session("Render", ["1001-1002"], "--path-mapping-rules", rules)
    assert done.returncode == 0, done.stdout[-2000:]
    assert set(outputs(tmp_path)) == {"out.1001.exr", "out.1002.exr"}


def test_the_template_alone_runs_the_whole_job(tmp_path: Path) -> None:
    done = make_job(tmp_path, 2).run()
    assert done.returncode == 0, done.stdout[-2000:]
    assert {"out.1001.exr", "out.1002.exr", "out_contact_sheet.png"} == {
        file.name for file in (tmp_path / "out").iterdir()
    }

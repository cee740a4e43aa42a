"""Tasks may be killed, run again, come in any order and run twice at once: the pixels are those of one run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from io import StringIO
from pathlib import Path

import pytest

from engine.files import temporary_path
from engine.render import render
from engine.shot import load_shot
from plugin.farm import TaskLog
from tests.engine.render.shots import outputs, read_exr
from tests.plugin.farm.jobs import Job, make_job
from ui.cli.app import run


def one_run(job: Job) -> dict[str, bytes]:
    """Pixels of the whole shot, rendered at once from its own document."""
    shot = load_shot(job.document)
    output = shot.output.model_copy(update={"path": str(job.out.parent / "one" / "out.%04d.exr")})
    render(shot.model_copy(update={"output": output}))
    return {file.name: read_exr(file).tobytes() for file in sorted((job.out.parent / "one").iterdir())}


def kill_amid(process: subprocess.Popen[str], line: str = "openjd_status: frame") -> None:
    """Kill a task, as a scheduler or a power cut does, when it says a line."""
    assert process.stdout is not None
    assert any(said.startswith(line) for said in process.stdout)
    process.kill()
    process.communicate()
    assert process.returncode in (-signal.SIGKILL, 0)  # a short task may have been quicker


def spoil(job: Job, frame: int) -> None:
    """Cut the plate's file of a frame, as a copy that broke off leaves it: its header is whole."""
    file = job.out.parent / "plate" / f"plate.{frame}.exr"
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])


def test_chunks_in_any_order_killed_and_run_twice_give_the_pixels_of_one_run(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    kill_amid(job.start("Render", "1007-1012"))
    twice = [job.start("Render", "1013-1018") for _ in range(2)]
    for process in twice:
        _, said = process.communicate()
        assert process.returncode == 0, said
    for chunk in ("1019-1024", "1007-1012", "1001-1006"):
        assert run(job.arguments("Render", chunk)) == 0
    assert outputs(tmp_path) == one_run(job)


def test_a_task_that_is_done_renders_nothing_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = make_job(tmp_path)
    assert run(job.arguments("Render", "1001-1006")) == 0
    times = {file: file.stat().st_mtime_ns for file in job.out.iterdir()}
    capsys.readouterr()
    assert run(job.arguments("Render", "1001-1006")) == 0
    assert {file: file.stat().st_mtime_ns for file in job.out.iterdir()} == times
    assert "0 frames written, 6 up to date" in capsys.readouterr().out


def test_progress_goes_up_to_a_hundred(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = make_job(tmp_path)
    assert run(job.arguments("Render", "1001-1006")) == 0
    said = capsys.readouterr().out.splitlines()
    percent = [float(line.split(": ")[1]) for line in said if line.startswith("openjd_progress:")]
    assert percent == sorted(percent)
    assert percent[0] == 0.0
    assert percent[-1] == 100.0
    assert sum(line.startswith("openjd_status: frame") for line in said) == 6


def test_a_spoiled_frame_fails_its_chunk_by_name_and_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = make_job(tmp_path)
    spoil(job, 1009)
    statuses = {chunk: run(job.arguments("Render", chunk)) for chunk in ("1001-1006", "1007-1012", "1013-1018")}
    assert statuses == {"1001-1006": 0, "1007-1012": 3, "1013-1018": 0}
    said = capsys.readouterr()
    (failure,) = [line for line in said.out.splitlines() if line.startswith("openjd_fail:")]
    assert failure.startswith("openjd_fail: media.corrupt: ")
    assert "1009" in failure
    assert "rackfocus: error: media.corrupt" in said.err
    whole = {int(name.split(".")[1]) for name in outputs(tmp_path)}
    assert {*range(1001, 1007), *range(1013, 1019)} <= whole
    assert 1009 not in whole


def test_a_task_that_is_mended_goes_on_where_it_failed(tmp_path: Path) -> None:
    job = make_job(tmp_path, 6)
    good = (tmp_path / "plate" / "plate.1004.exr").read_bytes()
    stamp = (tmp_path / "plate" / "plate.1004.exr").stat()
    spoil(job, 1004)
    assert run(job.arguments("Render", "1001-1006")) == 3
    done = set(outputs(tmp_path))
    assert "out.1001.exr" in done
    (tmp_path / "plate" / "plate.1004.exr").write_bytes(good)
    assert (tmp_path / "plate" / "plate.1004.exr").stat().st_size == stamp.st_size
    assert run(job.arguments("Render", "1001-1006")) == 0
    assert outputs(tmp_path) == one_run(job)


def test_what_a_killed_task_left_half_written_goes_with_the_next(tmp_path: Path) -> None:
    job = make_job(tmp_path, 6)
    job.out.mkdir()
    gone = subprocess.Popen(["true"])
    gone.wait()
    left = temporary_path(job.out / "out.1002.exr")
    left = left.with_name(left.name.replace(f".{os.getpid()}.", f".{gone.pid}."))
    left.write_bytes(b"half")
    assert run(job.arguments("Render", "1001-1003")) == 0
    assert not left.exists()


def test_frames_outside_the_shot_fail_the_task(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = make_job(tmp_path, 6)
    assert run(job.arguments("Render", "1005-1012")) == 2
    assert "openjd_fail: shot: frames: 1007-1012 are not in the shot" in capsys.readouterr().out


@pytest.mark.parametrize("chunk", ["1001-1005:2", "1001-1002,1006", "1003"])
def test_a_chunk_may_be_any_range_that_a_scheduler_writes(chunk: str, tmp_path: Path) -> None:
    job = make_job(tmp_path, 6)
    assert run(job.arguments("Render", chunk)) == 0
    model = pytest.importorskip("openjd.model")
    assert set(outputs(tmp_path)) == {f"out.{frame}.exr" for frame in model.IntRangeExpr.from_str(chunk)}


def test_the_check_says_all_that_is_wrong_before_a_task_renders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = make_job(tmp_path, 6)
    assert run(job.arguments("Check")) == 0
    assert "openjd_status: 6 frames, all well" in capsys.readouterr().out
    for frame in (1002, 1004):
        (tmp_path / "depth" / f"depth.{frame}.exr").unlink()
    assert run(job.arguments("Check")) == 3
    said = capsys.readouterr().out
    assert "openjd_fail: media.missing" in said
    assert "1002" in said
    assert "1004" in said


def test_a_job_writes_where_its_output_folder_is(tmp_path: Path) -> None:
    job = make_job(tmp_path, 6)
    words = [word.replace(str(job.out), str(tmp_path / "else")) for word in job.arguments("Render", "1001")]
    assert run(words) == 0
    assert [file.name for file in (tmp_path / "else").iterdir()] == ["out.1001.exr"]
    assert not job.out.exists()


def test_a_folder_of_no_known_name_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = make_job(tmp_path, 6)
    assert run(["farm", "render", str(job.document), "--folder", "plates=/x"]) == 2
    assert "plate, depth, matte, output, weights" in capsys.readouterr().err


def test_a_message_is_one_line() -> None:
    out = StringIO()
    TaskLog(out).failure("media", "a\nb")
    assert out.getvalue() == "openjd_fail: media: a b\n"


@pytest.mark.slow
def test_a_long_job_run_by_openjd_gives_the_pixels_of_one_run(tmp_path: Path) -> None:
    """240 frames in ten chunks, out of order; two were killed before, one runs beside the session."""
    pytest.importorskip("openjd.cli")
    job = make_job(tmp_path, 240, 24)
    assert job.bundle.tasks is not None
    chunks = list(job.bundle.tasks)
    assert len(chunks) == 10
    kill_amid(job.start("Render", chunks[3]), "openjd_status: rendering")
    assert len(list(job.out.glob("[!.]*.exr"))) < 24, "it was killed in the middle"
    kill_amid(job.start("Render", chunks[7]))
    random.Random(6).shuffle(chunks)
    beside = job.start("Render", chunks[0])
    done = job.session("Render", chunks)
    beside.communicate()
    assert beside.returncode == 0
    assert done.returncode == 0, done.stdout[-2000:]
    assert done.stdout.count("openjd_progress: 100.0") == 10
    assert done.stdout.count("openjd_status: frame") >= 24 * 7
    assert outputs(tmp_path) == one_run(job)

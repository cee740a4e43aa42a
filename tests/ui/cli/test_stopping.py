"""A render that is stopped, killed, or split among processes."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.engine.render.shots import FIRST, make_plates, outputs, shot_data
from ui.cli.app import run

ROOT = Path(__file__).resolve().parents[3]
FRAMES = 21


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A shot whose depth limits are to be found, so that every split has to find the same."""
    make_plates(tmp_path, FRAMES, 96, 54)
    data = shot_data(tmp_path, depth={"path": str(tmp_path / "depth" / "depth.%04d.exr")})
    data["output"]["layers"] = ["coc", "invented"]
    file = tmp_path / "shot.json"
    file.write_text(json.dumps(data))
    return file


def start(document: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "rackfocus", "render", str(document), "--json", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def wait_for_frames(process: subprocess.Popen[str], count: int) -> int:
    """Read events until ``count`` frames are written, or the end; gives the number seen."""
    assert process.stdout is not None
    seen = 0
    for line in process.stdout:
        seen += json.loads(line)["event"] == "frame"
        if seen >= count:
            break
    return seen


def whole(folder: Path, document: Path) -> dict[str, bytes]:
    """What one run writes."""
    assert run(["render", str(document), "--json"]) == 0
    found = outputs(folder)
    assert len(found) == FRAMES
    for file in (folder / "out").iterdir():
        file.unlink()
    return found


def kill_and_resume(folder: Path, document: Path, times: int, seed: int) -> None:
    """Kill with SIGKILL at random moments until the render has been killed ``times`` times; then let it end."""
    chance = random.Random(seed)
    killed = 0
    while killed < times:
        process = start(document, "--overwrite" if killed == 0 else "--frames", *(["1001-1021"] if killed else []))
        wait_for_frames(process, chance.randint(0, 2))
        time.sleep(chance.random() * 0.06)
        process.kill()
        process.communicate()
        killed += 1
        done = list((folder / "out").glob("out.*.exr")) if (folder / "out").exists() else []
        if len(done) == FRAMES:
            chance.choice(done).unlink()
    assert run(["render", str(document), "--json"]) == 0


@pytest.mark.parametrize("times", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_a_render_that_is_killed_and_resumed_gives_the_same_pixels(tmp_path: Path, document: Path, times: int) -> None:
    expected = whole(tmp_path, document)
    kill_and_resume(tmp_path, document, times, seed=times)
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(expected), (
        "a temporary file of a killed process was left"
    )
    assert outputs(tmp_path) == expected


def test_runs_of_seven_frames_in_any_order_give_the_same_pixels(tmp_path: Path, document: Path) -> None:
    text = document.read_text()
    expected = whole(tmp_path, document)
    starts = list(range(FIRST, FIRST + FRAMES, 7))
    random.Random(1).shuffle(starts)
    for first in starts:
        document.write_text(text)  # without the limits that the run before stored
        assert run(["render", str(document), "--json", "--frames", f"{first}-{first + 6}"]) == 0
    assert outputs(tmp_path) == expected


def test_two_tasks_on_one_shot_at_once_do_no_harm(tmp_path: Path, document: Path) -> None:
    text = document.read_text()
    expected = whole(tmp_path, document)
    document.write_text(text)
    tasks = [start(document), start(document)]
    assert [task.wait() for task in tasks] == [0, 0], [task.stderr and task.stderr.read() for task in tasks]
    assert outputs(tmp_path) == expected
    assert 2.0 <= json.loads(document.read_text())["depth"]["near"] < 2.3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_render_and_leaves_whole_frames(
    tmp_path: Path, document: Path, number: signal.Signals
) -> None:
    data = json.loads(document.read_text())
    make_plates(tmp_path, 60, 256, 144)
    document.write_text(json.dumps(data))
    process = start(document)
    assert wait_for_frames(process, 1) == 1
    process.send_signal(number)
    _, error = process.communicate()
    assert process.returncode == 130
    assert error.splitlines()[-1].startswith("rackfocus: error: cancelled: ")
    assert "Traceback" not in error
    names = [file.name for file in (tmp_path / "out").iterdir()]
    assert 0 < len(names) < 60
    assert all(name.startswith("out.") for name in names)
    assert len(outputs(tmp_path)) == len(names)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_frames(tmp_path: Path) -> None:
    """Peak resident memory of 2,000 small frames within 10 % of that of 100."""
    make_plates(tmp_path, 2000, 64, 36)
    document = tmp_path / "shot.json"
    document.write_text(json.dumps(shot_data(tmp_path)))
    assert run(["render", str(document), "--json", "--frames", "1001"]) == 0  # compile first, and keep the kernels
    few = peak(document, "--frames", "1001-1100", "--overwrite")
    many = peak(document, "--overwrite")
    assert many <= 1.10 * few, f"{few / 2**20:.0f} MiB for 100 frames, {many / 2**20:.0f} MiB for 2,000"


def peak(document: Path, *arguments: str) -> int:
    """Peak resident bytes of a render in its own process."""
    code = (
        "import sys\n"
        "from training.benchmark.peak import peak_memory\n"
        "from ui.cli.app import run\n"
        "assert run(sys.argv[1:]) == 0\n"
        "print(peak_memory(), file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", code, "render", str(document), "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    return int(done.stderr.splitlines()[-1])

"""Progress on a terminal, in a log and for a machine."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

from engine.render import LimitsFound, Searching, Started, Summary, Warned, Written
from tests.engine.render.shots import make_plates, shot_data
from ui.cli.progress import progress

ROOT = Path(__file__).resolve().parents[3]
EVENTS = (
    Searching(0, 2),
    Searching(1, 2),
    LimitsFound(1.5, None),
    Started(2, 3),
    Written(1001, "/out/r.1001.exr", 0.5, 20.0),
    Written(1002, "/out/r.1002.exr", 0.5, 20.0),
    Warned("plate.repaired", "3 plate values were repaired (in 1 frame)", 1),
    Summary(2, 3, 4.0, "/out/r.%04d.exr"),
)


def told(as_json: bool) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    with progress(as_json, out, err) as report:
        for event in EVENTS:
            report(event)
    return out.getvalue(), err.getvalue()


def test_a_log_gets_plain_lines() -> None:
    out, err = told(as_json=False)
    lines = err.splitlines()
    assert lines[0] == "finding the depth limits of 2 frames"
    assert lines[1] == "depth limits found: near 1.5, far infinity"
    assert lines[2] == "rendering 2 frames, 3 are up to date"
    assert lines[3].startswith("frame 1001 written  1/2  ")
    assert lines[3].endswith(" left")
    assert lines[5] == "rackfocus: warning: plate.repaired: 3 plate values were repaired (in 1 frame)"
    assert out == "2 frames written, 3 are up to date: /out/r.%04d.exr in 4.0 s (0.50 frames/s)\n"
    assert "\x1b" not in err


def test_a_machine_gets_one_object_a_line_and_nothing_else() -> None:
    out, err = told(as_json=True)
    assert err == ""
    assert [json.loads(line)["event"] for line in out.splitlines()] == [
        "searching", "searching", "limits", "started", "frame", "frame", "warning", "summary",
    ]  # fmt: skip


def test_a_terminal_gets_a_bar_with_frames_a_second_and_the_time_left(tmp_path: Path) -> None:
    make_plates(tmp_path)
    document = tmp_path / "shot.json"
    document.write_text(json.dumps(shot_data(tmp_path)))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "rackfocus", "render", str(document)]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=theirs, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    out, _ = process.communicate()
    os.close(ours)
    assert process.returncode == 0, shown
    text = shown.decode()
    assert "5/5" in text
    assert "frames/s" in text
    assert "\x1b[" in text
    assert b"5 frames written" in out

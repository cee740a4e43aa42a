from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.processes import is_alive
from tests.engine.render.shots import make_plates, shot_data
from tests.engine.worker.wire import HELLO, ROOT, Worker


@pytest.fixture(scope="module")
def shot_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shot")
    make_plates(folder, 5, 96, 64)
    return folder


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker() as started:
        yield started


def out(folder: Path, **changes: object) -> dict[str, object]:
    return shot_data(folder, **changes)


def undated(folder: Path) -> dict[str, bytes]:
    """Whole files, but for the second in which OpenEXR says they were made."""
    date = re.compile(rb"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d")
    return {file.name: date.sub(b"", file.read_bytes()) for file in folder.iterdir()}


def test_it_says_who_it_is(worker: Worker) -> None:
    said = worker.ask("initialize", HELLO)
    assert said["protocol"] == 1
    assert said["pid"] == worker.process.pid
    assert set(said["methods"]) == {"initialize", "render", "preview", "sample", "cancel", "shutdown"}
    assert "optical" in said["renderers"]


def test_the_first_request_is_initialize_and_another_protocol_is_refused_by_both_numbers() -> None:
    with Worker(greet=False) as fresh:
        early = fresh.refusal("sample", {"shot": {}, "frame": 1, "x": 0, "y": 0})
        assert early["data"]["code"] == "worker.protocol"
        later = fresh.refusal("initialize", {"protocol": 7})
        assert later["code"] == -32000
        assert later["data"]["code"] == "worker.protocol"
        assert "protocol 7" in later["message"]
        assert "protocol 1" in later["message"]
        assert fresh.ask("initialize", HELLO)["protocol"] == 1


def test_a_render_is_that_of_the_command_line_byte_for_byte(worker: Worker, shot_folder: Path, tmp_path: Path) -> None:
    shot = out(shot_folder, output={"path": str(tmp_path / "same" / "out.%04d.exr")})
    summary = worker.ask("render", {"shot": shot, "frames": "1001-1004"})
    assert (summary["written"], summary["skipped"], summary["warnings"]) == (4, 0, [])
    ours = undated(tmp_path / "same")
    (tmp_path / "shot.json").write_text(json.dumps(shot))
    command = [sys.executable, "-m", "rackfocus", "render", str(tmp_path / "shot.json"), "--frames", "1001-1004"]
    subprocess.run([*command, "--overwrite"], check=True, capture_output=True, cwd=ROOT)
    assert sorted(ours) == [f"out.{frame}.exr" for frame in range(1001, 1005)]
    assert ours == undated(tmp_path / "same")


def test_progress_comes_a_frame_at_a_time_and_names_its_request(
    worker: Worker, shot_folder: Path, tmp_path: Path
) -> None:
    worker.progress.clear()
    shot = out(shot_folder, output={"path": str(tmp_path / "out.%04d.exr")})
    shot["depth"] = {"path": str(shot_folder / "depth" / "depth.%04d.exr")}
    request = worker.send("render", {"shot": shot, "frames": "1002-1003"})
    assert "result" in worker.wait(request)
    told = [(event["event"], event.get("frame"), event.get("done")) for event in worker.progress]
    assert told[-3:] == [("started", None, None), ("written", 1002, 1), ("written", 1003, 2)]
    assert [name for name, *_ in told[:7]] == ["opened"] + ["searching"] * 5 + ["limits"]
    assert {event["request"] for event in worker.progress} == {request}
    written = worker.progress[-1]
    assert written["path"] == str(tmp_path / "out.1003.exr")
    assert written["total"] == 2
    assert written["strength"] == pytest.approx(4.0)


def test_renders_wait_for_each_other_in_order(worker: Worker, shot_folder: Path, tmp_path: Path) -> None:
    worker.progress.clear()
    shots = [out(shot_folder, output={"path": str(tmp_path / name / "out.%04d.exr")}) for name in "abc"]
    requests = [worker.send("render", {"shot": shot, "frames": "1001"}) for shot in shots]
    assert all("result" in worker.wait(request) for request in requests)
    order = [event["request"] for event in worker.progress if event["event"] == "written"]
    assert order == requests


def test_a_cancelled_render_ends_and_one_that_waits_never_begins(
    worker: Worker, shot_folder: Path, tmp_path: Path
) -> None:
    worker.progress.clear()
    big = tmp_path / "big"
    make_plates(big, 5, 960, 540)
    slow = out(big, blur={"keys": [{"frame": 1001, "value": 60.0}]})
    first = worker.send("render", {"shot": slow})
    second = worker.send("render", {"shot": out(shot_folder, output={"path": str(tmp_path / "never.%04d.exr")})})
    worker.wait_for("started")
    assert worker.ask("cancel", {"request": second}) == {"cancelled": True}
    assert worker.wait(second)["error"]["data"]["code"] == "cancelled"
    assert worker.ask("cancel", {"request": first}) == {"cancelled": True}
    assert worker.wait(first)["error"]["data"]["code"] == "cancelled"
    assert worker.ask("cancel", {"request": first}) == {"cancelled": False}
    assert not list(tmp_path.glob("never*"))
    assert not [file.name for file in (big / "out").glob("*") if file.name.startswith(".")]
    assert len([event for event in worker.progress if event["event"] == "written"]) < 5


def test_a_preview_comes_while_a_render_runs(worker: Worker, shot_folder: Path, tmp_path: Path) -> None:
    big = tmp_path / "big"
    make_plates(big, 5, 960, 540)
    render = worker.send("render", {"shot": out(big, blur={"keys": [{"frame": 1001, "value": 60.0}]})})
    worker.progress.clear()
    worker.wait_for("started")
    assert worker.ask("preview", {"shot": out(shot_folder), "frame": 1001})["width"] == 24
    assert render not in worker.answers
    worker.ask("cancel", {"request": render})
    assert worker.wait(render)["error"]["data"]["code"] == "cancelled"


def test_a_newer_preview_takes_the_place_of_an_older_one(worker: Worker, tmp_path: Path) -> None:
    big = tmp_path / "big"
    make_plates(big, 2, 640, 360)
    asked = [worker.send("preview", {"shot": out(big), "frame": 1001, "scale": 1.0}) for _ in range(4)]
    answers = [worker.wait(request) for request in asked]
    assert [answer.get("error", {}).get("data") for answer in answers[:3]] == [
        {"code": "cancelled", "replaced": True}
    ] * 3
    assert answers[3]["result"]["width"] == 640


def test_an_error_of_the_engine_has_its_code_and_its_sentence(worker: Worker, shot_folder: Path) -> None:
    missing = worker.refusal("render", {"shot": out(shot_folder, plate={"path": str(shot_folder / "no.%04d.exr")})})
    assert missing["code"] == -32000
    assert missing["data"]["code"] == "media.missing"
    assert "no.%04d.exr" in missing["message"]
    document = worker.refusal("preview", {"shot": {"plate": 3}, "frame": 1})
    assert document["data"]["code"] == "shot"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{\n", -32700),
        (b"\xff\xfe{}\n", -32700),
        (b"[" * 100_000 + b"\n", -32700),
        (b'{"jsonrpc": "2.0", "id": 1' + b"0" * 9000 + b', "method": "sample"}\n', -32700),
        (b"[]\n", -32600),
        (b'{"id": 5, "method": "cancel"}\n', -32600),
        (b'{"jsonrpc": "2.0", "id": true, "method": "cancel"}\n', -32600),
        (b'{"jsonrpc": "2.0", "id": 9001, "method": "explode"}\n', -32601),
        (b'{"jsonrpc": "2.0", "id": 9002, "method": "cancel", "params": [1]}\n', -32602),
        (b'{"jsonrpc": "2.0", "id": 9003, "method": "render", "params": {"shot": {}, "fps": 24}}\n', -32602),
        (b'{"jsonrpc": "2.0", "id": 9004, "method": "preview", "params": {"shot": {}, "frame": "1"}}\n', -32602),
        (b'{"jsonrpc": "2.0", "id": 9005, "method": "sample", "params": {"shot": {}, "frame": 1e400}}\n', -32602),
    ],
)
def test_a_bad_line_is_answered_in_json_rpc_s_own_terms(worker: Worker, line: bytes, code: int) -> None:
    worker.say(line)
    key = next((n for n in (9001, 9002, 9003, 9004, 9005, 5) if f'"id": {n}'.encode() in line[:60]), None)
    answer = worker.wait(key)
    assert answer["error"]["code"] == code
    assert worker.ask("initialize", HELLO)["protocol"] == 1


def test_two_requests_of_one_number_are_not_mixed_up(worker: Worker, tmp_path: Path) -> None:
    big = tmp_path / "big"
    make_plates(big, 2, 640, 360)
    first = worker.send("render", {"shot": out(big)})
    worker._last -= 1
    second = worker.send("render", {"shot": out(big)})
    assert first == second
    assert worker.wait(first)["error"]["code"] == -32600
    assert worker.wait(first)["result"]["written"] == 2


def test_only_messages_are_ever_on_standard_output() -> None:
    """Not what a library prints either, in Python or below it."""
    code = (
        "import os, sys\n"
        "from engine.worker.transport import Channel\n"
        "channel = Channel.of_standard_streams()\n"
        "print('from Python'); sys.stdout.flush(); os.write(1, b'from C\\n'); os.system('echo from a child')\n"
        "channel.send({'said': os.read(0, 10).decode()})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], input=b"secret", capture_output=True, check=True, cwd=ROOT)
    assert done.stdout == b'{"said": ""}\n'
    assert b"from Python" in done.stderr
    assert b"from C" in done.stderr
    assert b"from a child" in done.stderr


def test_shutdown_answers_all_and_leaves_no_file_half_written(tmp_path: Path) -> None:
    big = tmp_path / "big"
    make_plates(big, 3, 960, 540)
    worker = Worker()
    render = worker.send("render", {"shot": out(big, blur={"keys": [{"frame": 1001, "value": 60.0}]})})
    worker.wait_for("started")
    end = worker.send("shutdown", {})
    assert worker.wait(render)["error"]["data"]["code"] == "cancelled"
    assert worker.wait(end)["result"] == {}
    assert worker.process.wait(30) == 0
    assert not [file for file in (big / "out").glob("*") if file.name.startswith(".")]
    worker.end()


def test_the_end_of_its_input_ends_it_and_its_previews_go_too(shot_folder: Path) -> None:
    worker = Worker()
    made = Path(worker.ask("preview", {"shot": out(shot_folder), "frame": 1001})["path"])
    assert made.is_file()
    assert worker.end() == 0
    assert not made.parent.exists()
    assert not worker.strays


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_signal_ends_it_as_the_end_of_its_input_does() -> None:
    worker = Worker()
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(30) == 0
    worker.end()


@pytest.mark.skipif(os.name != "posix", reason="its standard input is kept open by a third process")
def test_it_ends_with_its_host_even_when_its_input_stays_open(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    code = (
        f"import subprocess, sys, time\n"
        f"process = subprocess.Popen([sys.executable, '-m', 'rackfocus', 'worker'], stdin=open({str(pipe)!r}, 'rb'))\n"
        "print(process.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    holder = os.open(pipe, os.O_RDWR)
    try:
        host = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
        assert host.stdout is not None
        pid = int(host.stdout.readline())
        os.write(holder, b'{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocol": 1}}\n')
        assert b'"protocol"' in host.stdout.readline()
        host.kill()
        host.wait()
        deadline = time.monotonic() + 30
        while is_alive(pid) and not is_zombie(pid) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not is_alive(pid) or is_zombie(pid)
        host.stdout.close()
    finally:
        os.close(holder)


def is_zombie(pid: int) -> bool:
    """A container's first process may not collect what it inherits."""
    import psutil

    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_previews_beside_a_render_take_turns_where_numba_s_layer_allows_one_thread(tmp_path: Path) -> None:
    big = tmp_path / "big"
    make_plates(big, 3, 480, 270)
    with Worker(NUMBA_THREADING_LAYER="workqueue", NUMBA_NUM_THREADS="2") as worker:
        shot = out(big, blur={"keys": [{"frame": 1001, "value": 20.0}]})
        render = worker.send("render", {"shot": shot})
        for frame in (1001, 1002, 1003, 1001):
            assert worker.ask("preview", {"shot": shot, "frame": frame, "scale": 0.5})["width"] == 240
        assert worker.wait(render)["result"]["written"] == 3

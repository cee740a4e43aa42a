from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.processes import is_alive
from plugin.client import (
    Engine,
    EngineDied,
    EngineError,
    EngineMissing,
    EngineProtocol,
    EngineTimeout,
    clean_environment,
    find_engine,
)
from tests.engine.render.shots import make_plates, shot_data
from tests.plugin.fakes import fake
from tests.test_architecture import ROOT, python_3_9

REAL = [sys.executable, "-m", "rackfocus"]
PATIENCE = 120.0
"""Seconds for an answer; kernels may be compiled first, on a machine that is shared."""


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(REAL, host="tests") as started:
        yield started


def long_shot(folder: Path) -> dict[str, object]:
    make_plates(folder, 4, 960, 540)
    return shot_data(folder, blur={"keys": [{"frame": 1001, "value": 60.0}]})


# The real engine.


def test_a_render_gives_its_frames_and_its_progress_either_way(engine: Engine, tmp_path: Path) -> None:
    make_plates(tmp_path)
    called: list[str] = []
    request = engine.render(shot_data(tmp_path), "1002-1004", on_progress=lambda event: called.append(event["event"]))
    result = request.wait(PATIENCE)
    polled = [event["event"] for event in request.poll()]
    assert result["written"] == 3
    assert called == polled == ["opened", "started", "written", "written", "written"]
    assert request.poll() == []
    assert request.progress is not None
    assert (request.progress["frame"], request.progress["done"]) == (1004, 3)
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_a_preview_is_a_file_and_a_sample_is_a_number(engine: Engine, tmp_path: Path) -> None:
    make_plates(tmp_path)
    shot = shot_data(tmp_path)
    preview = engine.preview(shot, 1001, scale=0.5).wait(PATIENCE)
    assert Path(preview["path"]).is_file()
    assert (preview["width"], preview["height"]) == (12, 8)
    sample = engine.sample(shot, 1001, 0.5, 0.5).wait(PATIENCE)
    assert sample["distance"] == pytest.approx(2.0)
    assert sample["disparity"] == pytest.approx(1.0)
    assert sample["limits"] == {"near": 2.0, "far": None}


def test_an_error_of_the_engine_keeps_its_code(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="nothing_%04d") as caught:
        engine.render(shot_data(tmp_path, plate={"path": str(tmp_path / "nothing_%04d.exr")})).wait(PATIENCE)
    assert caught.value.code == "media.missing"


def test_a_number_that_json_does_not_know_is_refused_by_its_field(engine: Engine, tmp_path: Path) -> None:
    bad = shot_data(tmp_path, blur={"keys": [{"frame": 1001, "value": float("nan")}]})
    with pytest.raises(EngineError, match=r"blur\.keys\[0\]\.value is nan") as caught:
        engine.render(bad).wait(PATIENCE)
    assert caught.value.code == "optics"


def test_a_cancelled_render_ends_as_cancelled(engine: Engine, tmp_path: Path) -> None:
    request = engine.render(long_shot(tmp_path))
    while request.progress is None:
        time.sleep(0.01)
    request.cancel()
    with pytest.raises(EngineError) as caught:
        request.wait(PATIENCE)
    assert caught.value.code == "cancelled"


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_an_engine_killed_in_mid_render_says_so_and_starts_again_with_the_next_request(tmp_path: Path) -> None:
    shot = long_shot(tmp_path)
    with Engine(REAL) as engine:
        pid = engine.start()["pid"]
        request = engine.render(shot)
        while request.progress is None:
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(EngineDied, match="signal 9"):
            request.wait(PATIENCE)
        assert not engine.alive
        assert engine.sample(shot, 1001, 5, 5).wait(PATIENCE)["disparity"] > 0.5
        assert engine.start()["pid"] != pid


def test_a_host_s_own_python_does_not_reach_the_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('the host shipped its own')")
    for name, value in (("PYTHONPATH", str(tmp_path)), ("PYTHONHOME", "/nowhere"), ("LD_PRELOAD", "/nowhere.so")):
        monkeypatch.setenv(name, value)
    with Engine(REAL) as engine:
        assert engine.start()["protocol"] == 1
    kept = clean_environment({"PYTHONPATH": "/ours", "PATH": None})
    assert "PATH" not in kept
    assert kept["PYTHONPATH"] == "/ours"
    assert not {"PYTHONHOME", "LD_PRELOAD", "VIRTUAL_ENV"} & set(kept)


def test_the_end_of_the_host_s_interpreter_ends_the_engine(tmp_path: Path) -> None:
    code = f"from plugin.client import Engine\nengine = Engine({REAL!r})\nprint(engine.start()['pid'], flush=True)\n"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path, env=environment
    )
    assert not is_alive(int(done.stdout))
    assert done.stderr == ""


@pytest.mark.skipif(python_3_9() is None, reason="needs Python 3.9")
def test_a_host_of_python_3_9_renders(tmp_path: Path) -> None:
    make_plates(tmp_path)
    (tmp_path / "shot.json").write_text(json.dumps(shot_data(tmp_path)))
    code = (
        "import json, sys\n"
        "from plugin.client import Engine\n"
        f"shot = json.load(open({str(tmp_path / 'shot.json')!r}))\n"
        f"with Engine({REAL!r}, host='Python ' + sys.version[:3]) as engine:\n"
        "    request = engine.render(shot, '1001-1002')\n"
        f"    written = request.wait({PATIENCE})['written']\n"
        "    print(written, len(request.poll()), engine.sample(shot, 1001, 0.5, 1).wait()['distance'])\n"
    )
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(python_3_9()), "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment)
    written, events, distance = done.stdout.split()
    assert (written, events) == ("2", "4")
    assert float(distance) == pytest.approx(2.0, rel=1e-3)


# Engines that behave badly.


def test_a_missing_engine_is_a_sentence_at_once(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match=r"no-such.*cannot be started|cannot be started.*no-such") as caught:
        Engine([str(tmp_path / "no-such")]).render({})
    assert caught.value.code == "engine.missing"


def test_an_engine_that_dies_at_its_start_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    command = fake(tmp_path, "sys.exit('ImportError: no module named numpy')")
    with Engine(command) as engine, pytest.raises(EngineDied, match="no module named numpy") as caught:
        engine.render({}).wait(PATIENCE)
    assert caught.value.data["status"] == 1
    assert caught.value.data["lines"] == ["ImportError: no module named numpy"]


def test_an_engine_that_hangs_at_its_start_is_given_up_and_no_call_waits_for_it(tmp_path: Path) -> None:
    command = fake(tmp_path, f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    with Engine(command, start_timeout=1.5) as engine:
        begin = time.monotonic()
        large = {"keys": ["x" * 100] * 10_000}  # more than a pipe holds
        requests = [engine.render(large) for _ in range(3)]
        assert time.monotonic() - begin < 1.4
        for request in requests:
            with pytest.raises(EngineTimeout, match="did not start"):
                request.wait(PATIENCE)
    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_a_program_that_is_no_engine_is_told_from_one(tmp_path: Path) -> None:
    command = fake(tmp_path, "while True: print('y')")
    with Engine(command) as engine, pytest.raises(EngineProtocol, match="no engine"):
        engine.start()


def test_an_engine_of_another_protocol_is_refused_by_both_numbers(tmp_path: Path) -> None:
    speaks_seven = """
        message = json.loads(sys.stdin.readline())
        answer(message, result={"protocol": 7})
        time.sleep(600)
    """
    with Engine(fake(tmp_path, speaks_seven)) as engine, pytest.raises(EngineProtocol, match=r"protocol 7.*protocol 1"):
        engine.start()
    refuses = """
        message = json.loads(sys.stdin.readline())
        answer(message, error={"code": -32000, "message": "mine is protocol 2", "data": {"code": "worker.protocol"}})
        time.sleep(600)
    """
    with Engine(fake(tmp_path, refuses)) as engine, pytest.raises(EngineProtocol, match=r"protocol 2.*protocol 1"):
        engine.start()


def test_a_banner_and_stray_lines_are_passed_over(tmp_path: Path) -> None:
    program = """
        print("Welcome to the studio!", flush=True)
        for message in listen():
            print("a library's print", flush=True)
            print("[1, 2]\\n{\\"jsonrpc\\": \\"2.0\\", \\"id\\": 999999999}\\n\\xff", flush=True)
            answer(message, result={"written": 3})
    """
    with Engine(fake(tmp_path, program)) as engine:
        assert engine.render({}).wait(PATIENCE) == {"written": 3}
        assert engine.alive


def test_a_death_in_mid_render_fails_all_that_waited_and_keeps_the_last_lines(tmp_path: Path) -> None:
    program = """
        for message in listen():
            tell(message, event="started", total=2, skipped=0)
            if message["params"].get("frames") == "2":
                for line in range(100): print("line", line, file=sys.stderr)
                sys.stderr.flush(); os._exit(9)
    """
    with Engine(fake(tmp_path, program)) as engine:
        requests = [engine.render({}, "1"), engine.render({}, "2"), engine.render({}, "3")]
        for request in requests:
            with pytest.raises(EngineDied, match=r"status 9.*line 99"):
                request.wait(PATIENCE)
        assert engine.last_lines == [f"line {number}" for number in range(70, 100)]
        assert engine.start()["version"] == "fake"  # anew


def test_an_answer_that_does_not_come_is_a_timeout_and_the_work_goes_on(tmp_path: Path) -> None:
    program = """
        for message in listen():
            time.sleep(0.5)
            answer(message, result={"disparity": 0.5})
    """
    with Engine(fake(tmp_path, program)) as engine:
        engine.start()
        request = engine.render({})
        with pytest.raises(EngineTimeout):
            request.wait(0.05)
        assert not request.done()
        assert request.wait(PATIENCE) == {"disparity": 0.5}


def test_a_cancel_names_the_request_and_a_fault_in_the_host_s_callback_harms_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = """
        for message in listen():
            if message["method"] == "cancel":
                stopped = {"code": -32000, "message": "stopped", "data": {"code": "cancelled"}}
                answer({"id": message["params"]["request"]}, error=stopped)
                answer(message, result={"cancelled": True})
            else:
                tell(message, event="started", total=2, skipped=0)
    """
    with Engine(fake(tmp_path, program)) as engine:
        request = engine.render({}, on_progress=lambda _event: 1 / 0)
        while request.progress is None:
            time.sleep(0.01)
        request.cancel()
        with pytest.raises(EngineError, match="stopped") as caught:
            request.wait(PATIENCE)
        assert caught.value.code == "cancelled"
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_closing_ends_an_engine_that_will_not_end_and_leaves_no_thread(tmp_path: Path) -> None:
    stubborn = """
        answer(json.loads(sys.stdin.readline()), result={"protocol": 1, "pid": os.getpid()})
        time.sleep(600)
    """
    before = set(threading.enumerate())
    engine = Engine(fake(tmp_path, stubborn))
    pid = engine.start()["pid"]
    request = engine.render({})
    engine.close()
    assert not is_alive(pid)
    assert request.done()
    assert set(threading.enumerate()) == before
    engine.close()


def test_an_engine_that_nobody_refers_to_is_ended(tmp_path: Path) -> None:
    engine = Engine(fake(tmp_path, "for message in listen(): pass"))
    pid = engine.start()["pid"]
    del engine
    assert not is_alive(pid)


# Where the engine is.


def program(folder: Path, name: str = "rackfocus") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_a_setting_goes_before_the_variable_and_that_before_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, three = (program(tmp_path / name) for name in ("one", "two", "three"))
    monkeypatch.setenv("PATH", str(three.parent))
    monkeypatch.delenv("RACKFOCUS", raising=False)
    assert find_engine() == [str(three)]
    monkeypatch.setenv("RACKFOCUS", str(two))
    assert find_engine() == [str(two)]
    assert find_engine(str(one)) == [str(one)]
    assert find_engine("") == [str(two)]


def test_a_setting_may_be_a_folder_or_a_command_line(tmp_path: Path) -> None:
    inside = program(tmp_path / "with space" / "bin")
    assert find_engine(str(tmp_path / "with space")) == [str(inside)]
    assert find_engine(f'"{inside}" -m rackfocus') == [str(inside), "-m", "rackfocus"]


def test_a_setting_that_leads_nowhere_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(program(tmp_path / "there").parent))
    for setting in (str(tmp_path / "gone"), str(tmp_path), '"half'):
        with pytest.raises(EngineMissing, match="setting"):
            find_engine(setting)


def test_what_the_installer_wrote_is_found_and_a_moved_engine_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import plugin.finding

    monkeypatch.delenv("RACKFOCUS", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(plugin.finding, "__file__", str(tmp_path / "finding.py"))
    with pytest.raises(EngineMissing, match="RACKFOCUS"):
        find_engine()
    marker = tmp_path / "engine.json"
    marker.write_text(json.dumps({"command": [sys.executable, "-m", "rackfocus"]}))
    assert find_engine() == [sys.executable, "-m", "rackfocus"]
    marker.write_text(json.dumps({"command": [str(tmp_path / "gone")]}))
    with pytest.raises(EngineMissing, match="gone"):
        find_engine()
    marker.write_text("{")
    with pytest.raises(EngineMissing, match="cannot be read"):
        find_engine()

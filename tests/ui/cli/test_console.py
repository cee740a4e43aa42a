"""Whatever letters a console has, names and messages are printed, and no line breaks a program that reads JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.processes import STOP_SIGNALS
from tests.engine.render.shots import make_plates, shot_data
from ui.cli.signals import stop_on_signals

ROOT = Path(__file__).resolve().parents[3]
NAMES = ["caf\u00e9", "\u753b\u50cf", "\U0001f3ac take", "\u0420\u0430\u043a\u0443\u0440\u0441", "e\u0301"]


def rackfocus(folder: Path, encoding: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding, "NUMBA_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "rackfocus", *arguments]
    return subprocess.run(command, capture_output=True, check=False, cwd=folder, env=environment)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp932", "utf-8", "cp850"])
def test_names_are_printed_on_every_console(tmp_path: Path, encoding: str) -> None:
    folders = [tmp_path / name for name in NAMES]
    for folder in folders:
        make_plates(folder, 1)
    for folder in folders[:2]:
        pattern = str(folder / "plate" / "plate.%04d.exr")
        done = rackfocus(tmp_path, encoding, "info", pattern)
        assert done.returncode == 0, done.stderr.decode(encoding)
        # Click writes UTF-8 where a terminal says that it knows ASCII alone, which no terminal means.
        assert "plate.%04d.exr" in done.stdout.decode("utf-8" if encoding == "ascii" else encoding)
    told = rackfocus(tmp_path, encoding, "info", "--json", str(folders[0] / "plate" / "plate.%04d.exr"))
    assert json.loads(told.stdout.decode("ascii"))["path"].endswith("plate.%04d.exr")
    missing = rackfocus(tmp_path, encoding, "info", str(folders[2] / "nothing.%04d.exr"))
    assert missing.returncode == 3
    assert missing.stderr.decode(encoding, "replace").count("rackfocus: error:") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only there a name may be no text")
def test_a_name_that_is_no_text_is_told_and_breaks_nothing(tmp_path: Path) -> None:
    make_plates(tmp_path, 1)
    strange = os.fsencode(tmp_path) + b"/\xff\xfe"
    os.rename(os.fsencode(tmp_path / "plate"), strange)  # noqa: PTH104 - a path of bytes
    done = rackfocus(tmp_path, "utf-8", "info", os.fsdecode(strange) + "/plate.%04d.exr")
    assert done.returncode in (0, 2), done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_every_signal_that_asks_for_an_end_is_a_wish_to_stop(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_on_signals() as wish:
        signal.raise_signal(number)
        assert wish.is_set()
    assert signal.getsignal(number) == before


def test_windows_own_signal_is_one_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import signal; signal.SIGBREAK = signal.SIGUSR1\n"
        "from engine.processes import STOP_SIGNALS\n"
        "from ui.cli.signals import stop_on_signals\n"
        "with stop_on_signals() as wish:\n"
        "    signal.raise_signal(signal.SIGBREAK)\n"
        "    print(len(STOP_SIGNALS), wish.is_set())\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["3", "True"]


def test_a_shot_with_infinity_is_told_in_json(tmp_path: Path) -> None:
    make_plates(tmp_path, 1)
    data = shot_data(tmp_path, focus={"keys": [{"frame": 1001, "disparity": 0.9}]})
    data["depth"]["far"] = "infinity"
    (tmp_path / "shot.json").write_text(json.dumps(data), encoding="utf-8")
    for words in (("check",), ("info",), ("render",)):
        done = rackfocus(tmp_path, "utf-8", *words, "shot.json", "--json")
        assert done.returncode == 0, done.stderr
        for line in done.stdout.splitlines():
            json.loads(line, parse_constant=pytest.fail)

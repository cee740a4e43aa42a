"""A disk that is full, and a folder that may not be written: the real thing, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import OutputWriteError
from engine.media import open_writer
from engine.shot import Output

from .pictures import noise, rendered
from .test_writer import INFO

SCRIPT = """
import signal, sys
from engine.errors import RackfocusError
from engine.media import open_writer
from engine.shot import Output
from tests.engine.media.pictures import noise, rendered
from tests.engine.media.test_writer import INFO
from tests.small_disk import small_disk
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with small_disk(int(sys.argv[2])):
    writer = open_writer(Output(path=sys.argv[1]), INFO)
    try:
        for frame in range(30):
            writer.write(rendered(frame, noise(256, 128, 3, frame)), {}, {})
        writer.close()
    except RackfocusError as error:
        writer.abort()
        writer.close()
        print(error)
        sys.exit(error.exit_status)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit on the size of files")
@pytest.mark.parametrize("limit", [16, 300, 20_000, 60_000])
@pytest.mark.parametrize("name", ["o.%04d.exr", "o.%04d.png", "o.%04d.tif", "o.%04d.dpx", "o.mp4", "o.mov"])
def test_a_full_disk_is_told_in_one_sentence_and_leaves_nothing(tmp_path: Path, name: str, limit: int) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / name), str(limit)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3], check=False)
    assert ended.returncode == OutputWriteError.exit_status, ended.stdout + ended.stderr
    assert ended.stdout.startswith("output.write: ")
    assert ended.stdout.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_read_only_folder_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputWriteError, match="read-only"):
        open_writer(Output(path=str(tmp_path / "o.%04d.exr")), INFO)


def test_a_folder_that_goes_away_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    writer = open_writer(Output(path=str(folder / "o.%04d.exr")), INFO)
    folder.rmdir()
    with pytest.raises(OutputWriteError, match="frame 1"):
        writer.write(rendered(1, noise()), {}, {})

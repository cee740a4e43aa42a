"""Damaged movies: read in processes of their own, because a library may crash where it should refuse.

RACKFOCUS_FUZZ_MOVIES sets the number of cases; two thousand are for a quiet evening.
"""

from __future__ import annotations

import os
import subprocess
import sys
from ast import literal_eval
from pathlib import Path

import numpy as np
import pytest

from .movies import KINDS, make_kind

CASES = int(os.environ.get("RACKFOCUS_FUZZ_MOVIES", "64"))
AT_ONCE = 250
"""Movies of one process, which may not grow over them."""

SEEDS = (
    *("phone.mp4", "iphone.mov", "fragmented.mp4", "editor.mov", "animation.mov", "old.avi", "h264.avi", "jpeg.avi"),
    *("ffmpeg.mkv", "archive.mkv", "web.webm", "av1.mp4", "xdcam.mxf", "avid.mxf", "camcorder.mts", "broadcast.ts"),
    *("hevc.ts", "disc.mpg", "windows.wmv", "flash.flv", "drawn.gif", "drawn.apng", "raw.h264", "pipe.y4m"),
)

READ = """
import resource, sys
from pathlib import Path
from engine.errors import RackfocusError
from engine.media import DepthReader, PlateReader, describe
from engine.shot import Depth, Plate
resource.setrlimit(resource.RLIMIT_AS, (8 << 30,) * 2)
LIMIT = 200  # frames looked at: bounded work, whatever a header claims
def plate(path):
    with PlateReader(Plate(path=str(path))) as reader:
        assert len(reader.frames) < 100_000, len(reader.frames)
        for frame in [*reader.frames][:LIMIT:3] + [reader.frames.last]:
            reader.read(frame)
def deinterlaced(path):
    with PlateReader(Plate(path=str(path), fields="deinterlace")) as reader:
        reader.read([*reader.frames][len(reader.frames) // 2])
def depth(path):
    with DepthReader(Depth(path=str(path)), Plate(path=str(path))) as reader:
        reader.read(reader.frames.last)
outcomes, peak = {}, 0
paths = sorted(Path(sys.argv[1]).iterdir())
for number, path in enumerate(paths):
    print(path.name, file=sys.stderr, flush=True)
    for read in (describe, plate, depth, deinterlaced):
        try:
            read(str(path))
            outcomes["read"] = outcomes.get("read", 0) + 1
        except RackfocusError as error:
            assert "\\n" not in str(error), str(error)
            outcomes[error.code] = outcomes.get(error.code, 0) + 1
    if number == len(paths) // 4:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
outcomes["grown"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
outcomes["open"] = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0
print(outcomes)
"""


def boxes_of(data: bytes) -> list[tuple[int, int]]:
    """Places and lengths of the boxes of a QuickTime or MP4 file, nested ones too."""
    found: list[tuple[int, int]] = []

    def walk(start: int, end: int) -> None:
        place = start
        while place + 8 <= end:
            length = int.from_bytes(data[place : place + 4], "big")
            if length < 8 or place + length > end:
                return
            found.append((place, length))
            if data[place + 4 : place + 8] in {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"moof", b"traf"}:
                walk(place + 8, place + length)
            place += length

    walk(0, len(data))
    return found


def mutated(data: bytes, random: np.random.Generator) -> bytes:
    """A movie with bits flipped, numbers blown up, pieces cut out or doubled, boxes shuffled, or its end missing."""
    found = bytearray(data)
    reach = len(found) if random.random() < 0.5 else min(len(found), 700)
    for _ in range(int(random.integers(1, 7))):
        if len(found) < 16:
            break
        place = int(random.integers(0, max(1, min(reach, len(found)))))
        match int(random.integers(0, 8)):
            case 0:
                found[place] = int(random.integers(0, 256))
            case 1:
                value = int(random.choice(np.array([0, 1, 255, 65535, 2**31 - 1, 2**32 - 1], np.uint64)))
                found[place : place + 4] = value.to_bytes(4, str(random.choice(["big", "little"])))  # type: ignore[arg-type]
            case 2:
                del found[place : place + int(random.integers(1, 300))]
            case 3:
                found[place:place] = found[place : place + int(random.integers(1, 300))]
            case 4 | 5:
                found[place] ^= 1 << int(random.integers(0, 8))
            case 6:
                boxes = boxes_of(bytes(found))
                if len(boxes) > 1:
                    (a, long), (b, wide) = (boxes[int(n)] for n in random.choice(len(boxes), 2, replace=False))
                    one, other = bytes(found[a : a + long]), bytes(found[b : b + wide])
                    if a + long <= b:
                        found[b : b + wide], found[a : a + long] = one, other
            case _:
                if random.random() < 0.4:
                    del found[place:]
    return bytes(found)


def write_cases(folder: Path, seeds: dict[str, bytes], first: int, count: int) -> None:
    folder.mkdir()
    names = list(seeds)
    for case in range(first, first + count):
        random = np.random.default_rng(case)
        name = names[case % len(names)]
        (folder / f"{case:05}_{name}").write_bytes(mutated(seeds[name], random))


def read_all(folder: Path) -> dict[str, int]:
    """Read a folder of damaged movies in a process of its own; what came of it by code of error."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", READ, str(folder)], capture_output=True, text=True, check=False, env=environment
    )
    last = [line for line in done.stderr.splitlines() if line[:5].isdigit()][-1:]
    assert done.returncode == 0, f"{last}: exit status {done.returncode}\n{done.stderr[-3000:]}"
    found: dict[str, int] = literal_eval(done.stdout.splitlines()[-1])
    return found


@pytest.mark.timeout(7200)
def test_a_damaged_movie_is_read_or_refused_in_words(tmp_path: Path) -> None:
    assert set(SEEDS) <= set(KINDS)
    seeds = {kind: make_kind(tmp_path, kind, 12).read_bytes() for kind in SEEDS}
    total: dict[str, int] = {}
    for first in range(0, CASES, AT_ONCE):
        folder = tmp_path / f"cases{first}"
        write_cases(folder, seeds, first, min(AT_ONCE, CASES - first))
        found = read_all(folder)
        grown, left_open = found.pop("grown"), found.pop("open")
        assert left_open < 40, f"{left_open} files are left open"
        # Peaks come of single movies with large pictures; a leak of one picture a movie would be far beyond this.
        assert grown < 1_000_000, f"grew by {grown} KiB from case {first} on"
        for outcome, count in found.items():
            total[outcome] = total.get(outcome, 0) + count
    print(total)
    assert set(total) <= {
        "read",
        "media.corrupt",
        "media.format",
        "media.missing",
        "media.size",
        "media.colour",
        "media.channel",
    }
    assert total["read"] > CASES // 10
    assert total["media.corrupt"] > CASES // 10

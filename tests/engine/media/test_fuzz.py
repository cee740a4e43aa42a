"""Damaged EXR files: read in a process of their own, because a library may crash where it should refuse.

RACKFOCUS_FUZZ sets the number of cases; a few thousand are for a quiet evening.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.frames import Window
from engine.media.saving import NewPart, save_image

from .luminance_chroma import write_luminance_chroma
from .pictures import RGBA, noise, store

CASES = int(os.environ.get("RACKFOCUS_FUZZ", "120"))
COMPRESSIONS = ("none", "rle", "zips", "zip", "piz", "pxr24", "b44", "dwaa", "htj2k32")

READ = """
import resource, sys
from pathlib import Path
from engine.errors import RackfocusError
from engine.media import DepthReader, PlateReader, describe
from engine.shot import Depth, Plate
resource.setrlimit(resource.RLIMIT_AS, (8 << 30,) * 2)
outcomes = {}
for path in sorted(Path(sys.argv[1]).glob("*.exr")):
    print(path.name, file=sys.stderr, flush=True)
    for read in (
        lambda: PlateReader(Plate(path=str(path), extra_layers=["*"]), alone=True).read(1),
        lambda: DepthReader(Depth(), Plate(path=str(path)), alone=True).read(1),
        lambda: describe(str(path)),
    ):
        try:
            read()
            outcomes["read"] = outcomes.get("read", 0) + 1
        except RackfocusError as error:
            assert "\\n" not in str(error), str(error)
            outcomes[error.code] = outcomes.get(error.code, 0) + 1
print(outcomes)
"""


def mutated(data: bytes, random: np.random.Generator) -> bytes:
    """A file with bytes changed, cut off, doubled or left out; the header more often than the pixels."""
    found = bytearray(data)
    reach = len(found) if random.random() < 0.4 else min(len(found), 500)
    for _ in range(int(random.integers(1, 6))):
        place = int(random.integers(0, reach))
        match int(random.integers(0, 6)):
            case 0:
                found[place : place + 1] = bytes([int(random.integers(0, 256))])
            case 1:
                found[place : place + 4] = random.choice(
                    np.array([0, 1, 255, 65535, 2**31 - 1, 2**32 - 1], np.uint32), 1
                ).tobytes()
            case 2:
                del found[place : place + int(random.integers(1, 9))]
            case 3:
                found[place:place] = found[place : place + int(random.integers(1, 40))]
            case 4:
                found[place] ^= 1 << int(random.integers(0, 8))
            case _:
                if random.random() < 0.3:
                    del found[place:]
        reach = max(min(reach, len(found)), 1)
        if not found:
            break
    return bytes(found)


def seeds(folder: Path) -> list[bytes]:
    made = [store(folder / "seed.exr", noise(24, 20), compression=name).read_bytes() for name in COMPRESSIONS]
    window = Window(-3, 2, 24, 20, 0, 0, 30, 30)
    parts = [
        NewPart(noise(24, 20), RGBA, ("half",) * 4, window, name="rgba", compression="zips"),
        NewPart(noise(24, 20, 1), ("depth.Z",), ("float",), window, name="depth", compression="piz"),
    ]
    save_image(folder / "seed.exr", "openexr", parts, "seed")
    made.append((folder / "seed.exr").read_bytes())
    grey = np.tile(np.linspace(0.1, 0.9, 24, dtype=np.float32)[None, :, None], (20, 1, 3))
    write_luminance_chroma(folder / "seed.exr", grey, Window.of_size(24, 20))
    made.append((folder / "seed.exr").read_bytes())
    (folder / "seed.exr").unlink()
    return made


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on memory")
def test_damaged_exr_files_are_refused_and_never_crash(tmp_path: Path) -> None:
    random = np.random.default_rng(int(os.environ.get("RACKFOCUS_FUZZ_SEED", "20")))
    originals = seeds(tmp_path)
    for number in range(CASES):
        data = mutated(originals[int(random.integers(0, len(originals)))], random)
        (tmp_path / f"case{number:06d}.exr").write_bytes(data)
    ended = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", READ, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60 + CASES,
        cwd=Path(__file__).parents[3],
        check=False,
    )
    assert ended.returncode == 0, f"seen last in {tmp_path}:\n{ended.stderr[-3000:]}"
    assert "media.corrupt" in ended.stdout

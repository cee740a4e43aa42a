"""The whole path for long and large shots, in processes of its own."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")


from engine.networks.presets import PRESETS
from engine.networks.skeleton import IMAGE_ENCODER, UNET, VAE
from tests.engine.render.shots import FIRST, make_plates, outputs, read_exr
from tests.engine.renderers.any_to_bokeh.shots import learned, make_lit_plates, make_weights

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="limits and kills of POSIX")]

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_weights(tmp_path_factory.mktemp("weights") / "a")


def written(folder: Path, data: dict[str, Any]) -> Path:
    """The document as a file."""
    file = folder / "shot.json"
    file.write_text(json.dumps(data))
    return file


def start(document: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "rackfocus", "render", str(document), "--json", *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def finished(document: Path, *more: str) -> dict[str, Any]:
    """The summary of a render."""
    process = start(document, *more)
    told, error = process.communicate()
    assert process.returncode == 0, error
    summary: dict[str, Any] = json.loads(told.splitlines()[-1])
    return summary


def peak(command: str, document: Path, *more: str) -> int:
    """Peak resident bytes of a command in its own process, Torch and all."""
    code = (
        "import sys\n"
        "from training.benchmark.peak import peak_memory\n"
        "from ui.cli.app import run\n"
        "assert run(sys.argv[1:]) == 0\n"
        "print(peak_memory(), file=sys.stderr)\n"
    )
    arguments = [sys.executable, "-c", code, command, str(document), "--json", *more]
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stderr.splitlines()[-1])


def test_300_frames_are_written_and_three_tasks_at_once_write_the_same(tmp_path: Path, weights: Path) -> None:
    make_plates(tmp_path, 300, 48, 32)
    document = written(tmp_path, learned(tmp_path, weights))
    assert finished(document)["written"] == 300
    whole = outputs(tmp_path)
    assert len(whole) == 300
    for file in (tmp_path / "out").iterdir():
        file.unlink()
    parts = [(FIRST, 93), (FIRST + 94, 121), (FIRST + 216, 83)]
    tasks = [start(document, "--frames", f"{first}-{first + more}") for first, more in parts]
    said = [task.communicate()[1] for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0, 0], said
    assert outputs(tmp_path) == whole


def test_memory_does_not_grow_with_the_number_of_frames(tmp_path: Path, weights: Path) -> None:
    """Peak resident memory of 2,000 small frames within 10 % of that of 100."""
    make_plates(tmp_path, 2000, 64, 36)
    document = written(tmp_path, learned(tmp_path, weights, layers=("coc",)))
    finished(document, "--frames", "1001-1030")  # what is compiled is kept
    few = peak("render", document, "--frames", "1001-1100", "--overwrite")
    many = peak("render", document, "--overwrite")
    print(f"{few / 2**20:.0f} MiB for 100 frames, {many / 2**20:.0f} MiB for 2,000")
    assert many <= 1.10 * few, f"{few / 2**20:.0f} MiB for 100 frames, {many / 2**20:.0f} MiB for 2,000"


def test_a_render_that_is_killed_ten_times_gives_the_same_pixels(tmp_path: Path, weights: Path) -> None:
    make_plates(tmp_path, 40, 48, 32)
    document = written(tmp_path, learned(tmp_path, weights))
    finished(document)
    whole = outputs(tmp_path)
    for file in (tmp_path / "out").iterdir():
        file.unlink()
    chance = random.Random(4)
    for _ in range(10):
        process = start(document)
        assert process.stdout is not None
        process.stdout.readline()  # rendering starts
        time.sleep(chance.random() * 1.5)
        process.kill()
        process.communicate()
        done = list((tmp_path / "out").glob("out.*.exr")) if (tmp_path / "out").exists() else []
        if len(done) > 30:
            for file in chance.sample(done, 20):
                file.unlink()
    finished(document)
    assert outputs(tmp_path) == whole, "other pixels, or an unfinished file of a killed process"


@pytest.mark.parametrize("size", [(3840, 2160), (2160, 3840)], ids=["4K", "4K portrait"])
def test_4k_goes_through(tmp_path: Path, weights: Path, size: tuple[int, int]) -> None:
    make_lit_plates(tmp_path, size, 3)
    document = written(tmp_path, learned(tmp_path, weights, size="256x128"))
    finished(document, "--frames", "1001")
    begin = time.monotonic()
    most = peak("render", document, "--overwrite")
    print(f"{most / 2**20:.0f} MiB, {(time.monotonic() - begin) / 3:.1f} s a frame with all that comes before")
    for frame in range(FIRST, FIRST + 3):
        made = read_exr(tmp_path / "out" / f"out.{frame}.exr")
        assert made.shape == (size[1], size[0], 3)
        assert np.isfinite(made).all()
    assert most < 8 * 2**30


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a limit of address space, and /proc")
def test_short_memory_is_made_do_with_and_then_told(tmp_path: Path, weights: Path) -> None:
    """Less and less: enough for a window, enough for a frame, not enough for one."""
    make_plates(tmp_path, 9, 256, 256)
    document = written(tmp_path, learned(tmp_path, weights, size=None))
    noted = 0
    for spare in (600, 500, 400, 300, 150, 80):
        done = with_little_memory(document, spare)
        if done.returncode:
            break
        summary = json.loads(done.stdout.splitlines()[-1])
        assert summary["written"] == 9
        noted += [warning["kind"] for warning in summary["warnings"]] == ["network.memory"]
    assert noted
    assert done.returncode == 71, done.stderr
    assert done.stderr.splitlines()[-1].startswith("rackfocus: error: memory: frames of 256x256 do not fit")
    assert "try --network-size 192x192" in done.stderr


def with_little_memory(document: Path, spare: int) -> subprocess.CompletedProcess[str]:
    """A render in a process that may have ``spare`` MiB more than it has once everything is loaded and was used."""
    code = (
        "import resource, sys\n"
        "from ui.cli.app import run\n"
        "spare, *arguments = sys.argv[1:]\n"
        "assert run([*arguments, '--frames', '1001', '--network-size', '64x64']) == 0\n"
        "pages = int(open('/proc/self/statm').read().split()[0])\n"
        "limit = pages * resource.getpagesize() + int(spare) * 2**20\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "sys.exit(run([*arguments, '--network-size', '256x256']))\n"
    )
    command = [sys.executable, "-c", code, str(spare), "render", str(document), "--json", "--overwrite"]
    environment = os.environ | {"MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, env=environment)


def test_a_check_of_full_weights_reads_headers_only(tmp_path: Path, weights: Path) -> None:
    """Eight gigabytes that take no room on the disk; a process that read them would hold them."""
    make_plates(tmp_path, 2, 48, 32)
    small = peak("check", written(tmp_path, learned(tmp_path, weights)))
    full = tmp_path / "full"
    preset = PRESETS["full"]
    unet, vae, clip = preset.unet.to_json(), preset.vae.to_json(), preset.clip.to_json()
    unet["_class_name"], vae["_class_name"] = "UNetSpatioTemporalConditionModel", "AutoencoderKLTemporalDecoder"
    clip["architectures"] = ["CLIPVisionModelWithProjection"]
    sparse(full / "unet" / "unet" / "diffusion_pytorch_model.safetensors", UNET.shapes(preset.unet), unet)
    sparse(full / "vae" / "diffusion_pytorch_model.safetensors", VAE.shapes(preset.vae), vae)
    sparse(full / "image_encoder" / "model.safetensors", IMAGE_ENCODER.shapes(preset.clip), clip)
    large = peak("check", written(tmp_path, learned(tmp_path, full)))
    print(f"{small / 2**20:.0f} MiB for tiny weights, {large / 2**20:.0f} MiB for full ones")
    assert large < small + 2**29


def sparse(file: Path, shapes: Mapping[str, tuple[int, ...]], config: dict[str, Any]) -> None:
    """A network's folder, of zeros that the file system need not store."""
    header: dict[str, Any] = {}
    end = 0
    for name, shape in shapes.items():
        begin, end = end, end + 4 * int(np.prod(shape))
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    file.parent.mkdir(parents=True)
    (file.parent / "config.json").write_text(json.dumps(config))
    with file.open("wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        out.truncate(8 + len(text) + end)

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from engine.errors import CorruptError, DependencyError, OutputWriteError
from tests.training.peers.frames import impulse
from training.peers import all_peers
from training.peers.exr import read_exr, write_exr
from training.peers.peer import radius_of, run_program


def test_the_time_of_a_program_is_that_of_its_processor_not_of_the_clock(tmp_path: Path) -> None:
    work = "import time\nwhile time.process_time() < 0.3: pass"
    busy, _ = run_program([sys.executable, "-S", "-c", work], tmp_path, [])
    idle, said = run_program([sys.executable, "-S", "-c", "import time; time.sleep(0.4); print('slept')"], tmp_path, [])
    assert busy >= 0.3
    assert idle < 0.25
    assert said == "slept\n"


def test_a_program_that_fails_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(DependencyError, match="status 3; its last words: no such operation"):
        run_program([sys.executable, "-S", "-c", "import sys; print('no such operation'); sys.exit(3)"], tmp_path, [])


def test_a_program_that_leaves_out_a_file_has_failed(tmp_path: Path) -> None:
    with pytest.raises(DependencyError, match=r"status 0 without writing out\.npy"):
        run_program([sys.executable, "-S", "-c", ""], tmp_path, [tmp_path / "out.npy"])


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DependencyError, match="no-such-program could not be run"):
        run_program(["no-such-program"], tmp_path, [])


def test_the_radius_is_k_times_the_distance_from_focus_in_disparity() -> None:
    assert radius_of(impulse(7.5)) == pytest.approx(7.5, abs=1e-5)


def test_every_peer_says_who_it_is_and_whether_it_is_here() -> None:
    for peer in all_peers():
        here = peer.available()
        assert peer.name
        assert here.found == (not here.reason)
        assert bool(peer.version()) or not here.found


def test_float_pictures_survive_the_exchange_files(tmp_path: Path) -> None:
    image = (1000.0 * np.random.default_rng(1).standard_normal((5, 7, 4))).astype(np.float32)
    write_exr(tmp_path / "rgb.exr", image)
    write_exr(tmp_path / "y.exr", image[..., 0])
    assert np.array_equal(read_exr(tmp_path / "rgb.exr"), image[..., :3])
    assert np.array_equal(read_exr(tmp_path / "y.exr"), image[..., :1])


def test_exchange_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "broken.exr").write_bytes(b"no picture")
    with pytest.raises(CorruptError, match=r"broken\.exr"):
        read_exr(tmp_path / "broken.exr")
    with pytest.raises(OutputWriteError, match=r"a\.exr"):
        write_exr(tmp_path / "missing" / "a.exr", np.zeros((2, 2), np.float32))

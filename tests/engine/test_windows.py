"""Whatever writes a file does it so that Windows lets it; see ``tests.windows`` for what is imitated."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform == "win32":  # where the real thing is, all other tests show it
    pytest.skip("imitates Windows by Linux's own means", allow_module_level=True)
if not Path("/proc/self/fd").is_dir():
    pytest.skip("needs /proc", allow_module_level=True)

from engine.errors import OutputExistsError
from engine.files import whole_folder, write_whole
from engine.frames import FrameRange
from engine.media import PlateReader, check_output, open_writer
from engine.render import render
from engine.shot import Depth, Output, Plate, load_shot, save_shot
from engine.worker.kernels import Kernels
from engine.worker.viewing import ViewDesk
from plugin.farm import plan_job, write_bundle
from tests.engine.media.pictures import noise, rendered, store
from tests.engine.media.test_writer import INFO
from tests.engine.render.shots import Tint, make_shot
from tests.engine.worker.test_viewing import make_scene, preview
from tests.windows import behave_like_windows, ignore_case, open_files


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    gc.collect()  # files of other tests
    refused = behave_like_windows(monkeypatch)
    yield refused
    assert not refused


def test_the_imitation_refuses_what_windows_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = behave_like_windows(monkeypatch)
    path = tmp_path / "a"
    path.write_bytes(b"a")
    with path.open("rb") as file:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fsync(file.fileno())
        for act in (path.unlink, lambda: path.replace(tmp_path / "b"), lambda: os.remove(path)):  # noqa: PTH107
            with pytest.raises(PermissionError):
                act()
        with pytest.raises(PermissionError):
            os.rename(tmp_path, tmp_path.with_name("c"))  # noqa: PTH104
    with pytest.raises(PermissionError):
        os.open(tmp_path, os.O_RDONLY)
    assert len(refused) == 5


@pytest.mark.parametrize("name", ["o.%04d.exr", "o.%04d.png", "o.%04d.tif", "o.%04d.dpx", "o.mp4", "o.mov", "o.mkv"])
@pytest.mark.usefixtures("windows")
def test_frames_and_movies_are_written_and_written_again(tmp_path: Path, name: str) -> None:
    output = Output(path=str(tmp_path / name))
    for seed in range(2):
        writer = open_writer(output, INFO)
        for frame in range(3):
            writer.write(rendered(frame, noise(64, 48, 3, seed)), {}, {})
        writer.close()
    assert not [entry for entry in tmp_path.iterdir() if entry.name.startswith(".")]
    assert not [path for path in open_files() if path.startswith(str(tmp_path))]


@pytest.mark.parametrize("name", ["o.mp4", "o.mov", "o.mkv"])
@pytest.mark.usefixtures("windows")
def test_a_movie_that_is_given_up_leaves_nothing(tmp_path: Path, name: str) -> None:
    writer = open_writer(Output(path=str(tmp_path / name)), INFO)
    writer.write(rendered(0, noise(64, 48, 3)), {}, {})
    writer.abort()
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("windows")
def test_a_frame_can_be_replaced_after_it_was_read(tmp_path: Path) -> None:
    for name in ("a.0001.exr", "a.0001.png", "a.0001.tif", "a.0001.dpx"):
        store(tmp_path / name, noise(channels=3), ("R", "G", "B"), "half" if name.endswith("exr") else "uint16")
        with PlateReader(Plate(path=str(tmp_path / name))) as reader:
            reader.read(1)
        write_whole(tmp_path / name, b"other")


@pytest.mark.usefixtures("windows")
def test_a_render_is_resumed_and_overwritten(tmp_path: Path) -> None:
    shot = make_shot(tmp_path)
    for overwrite in (False, False, True):
        render(shot, renderer=Tint(), overwrite=overwrite)
    folder = Path(shot.output.path).parent
    assert not [entry for entry in folder.iterdir() if entry.name.startswith(".")]


@pytest.mark.usefixtures("windows")
def test_a_shot_document_is_saved_over_the_one_before(tmp_path: Path) -> None:
    shot = make_shot(tmp_path)
    for _ in range(2):
        save_shot(shot, tmp_path / "shot.json")
        load_shot(tmp_path / "shot.json")
    assert not [entry for entry in tmp_path.iterdir() if entry.name.startswith(".")]


@pytest.mark.usefixtures("windows")
def test_a_folder_replaces_the_one_before(tmp_path: Path) -> None:
    for content in ("one", "two"):
        with whole_folder(tmp_path / "weights") as folder:
            write_whole(folder / "model", content)
    assert [entry.name for entry in tmp_path.rglob("*")] == ["weights", "model"]


@pytest.mark.usefixtures("windows")
def test_previews_take_one_another_s_place(tmp_path: Path) -> None:
    shot = make_scene(tmp_path)
    desk = ViewDesk(Kernels())
    for path in (str(tmp_path / "look.exr"), str(tmp_path / "look.exr"), None, None):
        made = Path(preview(desk, shot, scale=0.5, **({"path": path} if path else {}))["path"])
    assert made.is_file()
    desk.close()
    assert not made.parent.exists()


@pytest.mark.usefixtures("windows")
def test_a_bundle_is_written_over_the_one_before(tmp_path: Path) -> None:
    plan = plan_job(make_shot(tmp_path))
    for _ in range(2):
        write_bundle(plan, tmp_path / "bundle", opencue=True)
    assert not [entry for entry in (tmp_path / "bundle").iterdir() if entry.name.startswith(".")]


@pytest.mark.usefixtures("windows")
def test_weights_that_were_read_are_replaced(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from engine.networks.checkpoint import open_weights
    from engine.networks.saving import save_weights
    from tests.engine.networks import folders

    made = folders.networks()
    for _ in range(2):
        save_weights(tmp_path / "weights", made.unet, made.vae, made.image_encoder, overwrite=True)
        open_weights(tmp_path / "weights").load_vae(torch.float32)
        gc.collect()


@pytest.mark.parametrize("name", ["A.%04d.exr", "a.%04d.EXR", "A.####.Exr", "A.$F4.exr", "A.0001.exr"])
def test_a_result_whose_name_differs_from_the_plate_s_by_case_does_not_replace_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    store(tmp_path / "a.0001.exr", noise())
    plate, frames = Plate(path=str(tmp_path / "a.%04d.exr")), FrameRange.of([1])
    check_output(Output(path=str(tmp_path / name)), plate, Depth(), frames)
    ignore_case(monkeypatch)
    with pytest.raises(OutputExistsError, match="plate"):
        check_output(Output(path=str(tmp_path / name)), plate, Depth(), frames)

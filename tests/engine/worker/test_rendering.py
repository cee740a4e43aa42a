"""Networks that stay loaded from one render to the next."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from engine.errors import CancelledError, RackfocusError
from engine.networks.checkpoint import WeightsFolder
from engine.worker.kernels import Kernels
from engine.worker.lanes import Job
from engine.worker.messages import Render
from engine.worker.rendering import RenderDesk
from tests.engine.render.shots import make_plates, outputs, shot_data
from ui.cli.app import run


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    assert run(["weights", "init", "--preset", "tiny", "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the weights' folders, once for each time that a U-Net is read from it."""
    read: list[str] = []
    load = WeightsFolder.load_unet

    def counted(folder: WeightsFolder, *arguments: Any) -> Any:  # noqa: ANN401
        read.append(folder.folder.name)
        return load(folder, *arguments)

    monkeypatch.setattr(WeightsFolder, "load_unet", counted)
    return read


def ask(desk: RenderDesk, folder: Path, weights: Path, stop: bool = False, **options: object) -> Mapping[str, Any]:
    learned = {"weights": str(weights), "size": "64x64", "device": "cpu", **options}
    shot = shot_data(folder, renderer={"name": "any-to-bokeh", "any_to_bokeh": learned})
    job: Job[Render] = Job(1, Render(shot=shot, frames="1001", overwrite=True), print, lambda event: notice(event))

    def notice(event: Mapping[str, Any]) -> None:
        if stop and event["event"] == "started":
            job.cancel()

    return desk.render(job)


def test_weights_are_read_once_for_any_number_of_shots(tmp_path: Path, weights: Path, loads: list[str]) -> None:
    desk = RenderDesk(Kernels())
    for name in ("one", "two"):
        make_plates(tmp_path / name, 2, 48, 32)
        assert ask(desk, tmp_path / name, weights)["written"] == 1
    assert loads == ["tiny"]
    ask(desk, tmp_path / "two", weights, detail=False, exposure=1.0, overlap=3)  # nothing that a network knows of
    assert loads == ["tiny"]


def test_warm_networks_make_the_picture_that_cold_ones_make(tmp_path: Path, weights: Path, loads: list[str]) -> None:
    make_plates(tmp_path, 2, 48, 32)
    desk = RenderDesk(Kernels())
    ask(desk, tmp_path, weights)
    ask(desk, tmp_path, weights, seed=0)
    warm = outputs(tmp_path)
    ask(RenderDesk(Kernels()), tmp_path, weights)
    assert outputs(tmp_path) == warm
    assert len(loads) == 2


def test_other_weights_and_other_options_of_the_networks_are_not_mixed_up(
    tmp_path: Path, weights: Path, loads: list[str]
) -> None:
    make_plates(tmp_path, 2, 48, 32)
    desk = RenderDesk(Kernels())
    ask(desk, tmp_path, weights)
    ask(desk, tmp_path, weights, profile="paper")
    assert len(loads) == 2
    other = tmp_path / "other"
    assert run(["weights", "init", "--preset", "tiny", "--seed", "5", "--out", str(other)]) == 0
    ask(desk, tmp_path, other, profile="paper")
    assert loads == ["tiny", "tiny", "other"]
    with pytest.raises(RackfocusError, match="gone"):
        ask(desk, tmp_path, tmp_path / "gone")


def test_a_cancelled_render_spoils_nothing_for_the_next(tmp_path: Path, weights: Path, loads: list[str]) -> None:
    make_plates(tmp_path, 2, 48, 32)
    desk = RenderDesk(Kernels())
    ask(desk, tmp_path, weights)
    with pytest.raises(CancelledError):
        ask(desk, tmp_path, weights, stop=True)
    assert ask(desk, tmp_path, weights)["written"] == 1
    assert loads == ["tiny"]

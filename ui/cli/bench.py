"""``rackfocus bench``: measure picture and speed beside the peers that are on this machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer
from pydantic import ValidationError

from engine.errors import OutputWriteError
from engine.files import write_whole
from engine.networks.presets import PresetName

if TYPE_CHECKING:
    from training.benchmark import DepthReport, OpticalReport, SpeedReport, WorkerReport
    from training.benchmark.networks import FlopReport, NetworkSpeedReport

    _Report = OpticalReport | SpeedReport | DepthReport | FlopReport | NetworkSpeedReport | WorkerReport

__all__ = ["bench"]

KINDS: Final = ("optical", "speed", "depth", "any-to-bokeh", "worker")

_Kind = Annotated[
    str,
    typer.Argument(
        metavar="|".join(KINDS),
        help="How near to the truth; CPU seconds over K and over size; how near with depth that is spoiled in many "
        "ways; the arithmetic of the learned renderer; or how "
        "soon the worker shows a frame and stops.",
    ),
]
_Out = Annotated[Path, typer.Option("--out", help="Folder for tables, plots and pictures.")]
_Renderers = Annotated[
    list[str] | None,
    typer.Option(
        "--renderer",
        help="final, draft, gegl, blender or scatter; repeat. All when not given, scatter for depth only. With "
        "final-unrepaired and draft-unrepaired the depth's edges are taken as they are.",
    ),
]
_Shots = Annotated[
    list[str] | None,
    typer.Option(
        "--shot", help="Name of a benchmark shot; for depth also of a picture, like disc; repeat. All when not given."
    ),
]
_Ways = Annotated[
    list[str] | None,
    typer.Option("--way", help="How depth is spoiled, like soft-3 or small-2; repeat. All when not given."),
]
_Set = Annotated[
    Literal["tune", "held"],
    typer.Option("--set", help="Shots for depth: those to develop by, or those to look at only at the end."),
]
_Width = Annotated[
    int, typer.Option("--width", min=64, metavar="PIXELS", help="Of the ray-traced shots for depth; 512 is quick.")
]
_Frames = Annotated[int, typer.Option("--frames", min=1, max=4, help="Of each shot for depth; flicker needs two.")]
_Pictures = Annotated[bool, typer.Option("--pictures", help="Keep pictures for depth too, of every shot and way.")]
_Repeats = Annotated[
    int | None, typer.Option("--repeats", min=1, help="Runs of each measurement; the least time counts.")
]
_Preset = Annotated[
    PresetName | None,
    typer.Option("--preset", help="Size of the learned renderer's networks; full, or the export's, when not given."),
]
_Runtime = Annotated[
    Literal["torch", "onnx"] | None,
    typer.Option("--runtime", help="Time the learned renderer's networks there; in both when not given."),
]
_Device = Annotated[
    str | None,
    typer.Option(
        "--device",
        help="Where to time them: auto, tensorrt, cuda, cuda:1, mps, coreml, directml, openvino, cpu. Their arithmetic "
        "is counted when neither device, runtime nor weights are given.",
    ),
]
_Weights = Annotated[
    Path | None, typer.Option("--weights", metavar="DIR", help="An export to time in ONNX Runtime, beside Torch.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")]


def bench(
    kind: _Kind = "optical",
    out: _Out = Path("bench-results"),
    renderer: _Renderers = None,
    shot: _Shots = None,
    way: _Ways = None,
    which: _Set = "tune",
    width: _Width = 1024,
    frames: _Frames = 2,
    pictures: _Pictures = False,
    repeats: _Repeats = None,
    preset: _Preset = None,
    runtime: _Runtime = None,
    device: _Device = None,
    weights: _Weights = None,
    json: _Json = False,
) -> None:
    """Measure Rackfocus beside real peers (GEGL, Blender) on scenes with a known answer."""
    if kind not in KINDS:
        raise typer.BadParameter(f'there is no benchmark "{kind}"; choose {" or ".join(KINDS)}')
    report: _Report
    if kind == "any-to-bokeh":
        report = _networks(preset, runtime, device, weights, repeats)
    elif kind == "worker":
        report = _worker(repeats)
    elif kind == "depth":
        report = _depth(out, renderer, shot, way, which, width, frames, pictures, repeats)
    else:
        report = _optical(out, renderer, shot, repeats) if kind == "optical" else _speed(out, renderer, repeats)
    text = report.to_json()
    file = out / f"{kind}.json"
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_whole(file, text + "\n")
    except OSError as error:
        raise OutputWriteError(
            f"{file}: cannot be written ({error.strerror}); give another folder with --out"
        ) from error
    if json:
        typer.echo(text)
    else:
        _print_report(report, file)


def _optical(out: Path, renderers: list[str] | None, shots: list[str] | None, repeats: int | None) -> OpticalReport:
    from training.benchmark import OpticalOptions, run_optical

    plain = OpticalOptions()
    return run_optical(
        OpticalOptions(
            renderers=tuple(renderers or plain.renderers),
            shots=tuple(shots or ()),
            pictures=out / "pictures",
            repeats=repeats or plain.repeats,
            say=_say,
        )
    )


def _speed(out: Path, renderers: list[str] | None, repeats: int | None) -> SpeedReport:
    from training.benchmark import SpeedOptions, run_speed

    plain = SpeedOptions()
    return run_speed(
        SpeedOptions(
            renderers=tuple(renderers or plain.renderers),
            repeats=repeats or plain.repeats,
            plot=out / "speed.svg",
            say=_say,
        )
    )


def _depth(
    out: Path,
    renderers: list[str] | None,
    shots: list[str] | None,
    ways: list[str] | None,
    which: Literal["tune", "held"],
    width: int,
    frames: int,
    pictures: bool,
    repeats: int | None,
) -> DepthReport:
    from training.benchmark import DepthOptions, run_depth

    plain = DepthOptions()
    return run_depth(
        DepthOptions(
            renderers=tuple(renderers or plain.renderers),
            shots=tuple(shots or ()),
            ways=tuple(ways or ()),
            which=which,
            width=width,
            frames=frames,
            pictures=out / "pictures" if pictures else None,
            repeats=repeats or plain.repeats,
            say=_say,
        )
    )


def _worker(repeats: int | None) -> WorkerReport:
    from training.benchmark import WorkerOptions, run_worker

    plain = WorkerOptions()
    return run_worker(WorkerOptions(repeats=repeats or plain.repeats, say=_say))


def _networks(
    preset: PresetName | None, runtime: str | None, device: str | None, weights: Path | None, repeats: int | None
) -> FlopReport | NetworkSpeedReport:
    from engine.runtime.extras import require_torch

    require_torch("rackfocus bench any-to-bokeh")
    from engine.shot import AnyToBokehOptions
    from training.benchmark.networks import FlopOptions, NetworkSpeedOptions, run_flops, run_network_speed

    if device is None and runtime is None and weights is None:
        return run_flops(FlopOptions(preset or "full"))
    plain = NetworkSpeedOptions()
    try:
        renderer = AnyToBokehOptions.model_validate(
            {
                "runtime": runtime or "auto",
                "device": device or "auto",
                "weights": None if weights is None else str(weights),
            }
        )
    except ValidationError:
        raise typer.BadParameter(
            f'there is no device "{device}"; choose auto, tensorrt, cuda, cuda:1, mps, coreml, directml, openvino or '
            "cpu",
            param_hint="--device",
        ) from None
    return run_network_speed(NetworkSpeedOptions(preset, renderer, repeats=repeats or plain.repeats, say=_say))


def _print_report(report: _Report, file: Path) -> None:
    from training.benchmark import DepthReport, aligned

    typer.echo(aligned(report.rows()))
    if isinstance(report, DepthReport):
        if len(report.cells()) > 1:
            typer.echo("\n" + aligned(report.cells()))
        behind = Counter(b.renderer for b in report.behind())
        typer.echo("".join(f"\n{name}: behind the best other in {count} means" for name, count in behind.items()))
    versions: Mapping[str, str] = report.versions
    typer.echo("\n" + ", ".join(f"{name} {version}".strip() for name, version in versions.items()))
    for name, reason in report.skipped.items():
        typer.echo(f"not run: {name}: {reason}")
    typer.echo(f"kept in {file}")


def _say(line: str) -> None:
    typer.echo(line, err=True)

"""``rackfocus farm``: a job bundle out of a shot, and the tasks that its steps run."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from engine.errors import DependencyError
from engine.json_text import json_text
from engine.shot import Shot, load_shot

if TYPE_CHECKING:
    import threading

    from engine.runtime.onnx.building import Building
    from plugin.farm import Bundle, TaskLog

__all__ = ["farm"]

CHUNK: Final = 24
"""As ``plugin.farm.CHUNK``; the help must not load the engine."""

farm = typer.Typer(name="farm", help="Shots on a render farm (Open Job Description).", no_args_is_help=True)

_Document = Annotated[Path, typer.Argument(metavar="SHOT.json", help="Shot document.", show_default=False)]
_Frames = Annotated[str | None, typer.Option("--frames", help="Frames, like 1001-1024 or 1001-1024:2; all if none.")]
_Mapping = Annotated[
    Path | None, typer.Option("--path-mapping", metavar="FILE", help="Rules of path mapping of the session.")
]
_Folders = Annotated[
    list[str] | None,
    typer.Option(
        "--folder", metavar="plate|depth|output|weights=DIR", help="Where one of them lies here; repeat it for more."
    ),
]


@farm.command()
def bundle(
    document: _Document,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the bundle.", show_default=False)],
    chunk: Annotated[int, typer.Option("--chunk", help="Frames of a task.")] = CHUNK,
    frames: _Frames = None,
    rackfocus: Annotated[
        str, typer.Option("--rackfocus", metavar="COMMAND", help="Starts Rackfocus on a machine of the farm.")
    ] = "rackfocus",
    movie: Annotated[bool, typer.Option("--movie", help="Assemble an H.264 movie when all frames are there.")] = False,
    build: Annotated[
        str | None, typer.Option("--build", metavar="tensorrt", help="Build engines before rendering.")
    ] = None,
    system: Annotated[
        list[str] | None,
        typer.Option("--os", metavar="linux|windows|macos", help="System that may render; repeat it for more."),
    ] = None,
    opencue: Annotated[
        bool, typer.Option("--opencue", help="Write a script that sends the job to OpenCue too.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="JSON lines, for machines.")] = False,
) -> None:
    """Make a job bundle of a shot, as openjd and AWS Deadline Cloud take it.

    Its steps check the shot, build engines where asked, render in chunks, and assemble a contact sheet and a movie.
    Depth limits that the shot does not give are found now, so that no task has to.
    """
    unknown = set(system or ()) - {"linux", "windows", "macos"}
    if unknown:
        raise typer.BadParameter(f"--os is linux, windows or macos, not {', '.join(sorted(unknown))}")
    shot = load_shot(document)
    from plugin.farm import plan_job, write_bundle
    from ui.cli.progress import progress
    from ui.cli.signals import stop_on_signals

    with stop_on_signals() as cancel, progress(json) as report:
        plan = plan_job(
            shot,
            frames=frames,
            chunk=chunk,
            command=rackfocus,
            movie=movie,
            build=build,
            systems=tuple(system or ()),
            report=report,
            cancel=cancel,
        )
    made = write_bundle(plan, out.expanduser(), opencue)
    if json:
        facts = {"event": "bundle", "folder": str(made.folder), "parameters": made.values, "tasks": made.tasks}
        typer.echo(json_text(facts))
    else:
        _tell(made)


def _tell(made: Bundle) -> None:
    count = "" if made.tasks is None else f", {len(made.tasks)} tasks of rendering, checked by openjd-model"
    typer.echo(f"bundle: {made.folder}{count}")
    if made.tasks is None:
        typer.echo("not checked: pip install -c constraints.txt '.[farm]' installs openjd-model, which does", err=True)
    typer.echo(f"here:           openjd run {_quoted(made.folder / 'template.yaml')}")
    typer.echo(f"Deadline Cloud: deadline bundle submit {_quoted(made.folder)}")


def _quoted(path: Path) -> str:
    """A path as a shell of this system takes it; both of Windows' know double quotes alone."""
    return subprocess.list2cmdline([str(path)]) if sys.platform == "win32" else shlex.quote(str(path))


@farm.command()
def check(
    document: _Document,
    frames: _Frames = None,
    path_mapping: _Mapping = None,
    folder: _Folders = None,
) -> None:
    """The step Check: all that would stop the job, before it renders."""
    from plugin.farm import check_task

    with _task() as (log, _):
        shot = _here(document, path_mapping, folder)
        check_task(shot, frames, log)


@farm.command()
def build(
    document: _Document,
    path_mapping: _Mapping = None,
    folder: _Folders = None,
) -> None:
    """The step Build: engines for TensorRT, into the folder that RACKFOCUS_CACHE names."""
    from engine.runtime.onnx.building import build_engines

    with _task() as (log, cancel):
        shot = _here(document, path_mapping, folder)
        weights = shot.renderer.any_to_bokeh.weights
        if weights is None:
            raise DependencyError("renderer.any_to_bokeh.weights: engines are built from an export; name its folder")
        device = shot.renderer.any_to_bokeh.device.partition(":")[2]

        def tell(step: Building) -> None:
            log.status(f"{step.graph} at {step.named}: {step.text or step.state}")
            log.progress(step.done, step.total)

        build_engines(
            Path(weights),
            device=int(device or 0),
            progress=tell,
            cancelled=cancel.is_set,
        )


@farm.command()
def render(
    document: _Document,
    frames: _Frames = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Render frames that are there already.")] = False,
    path_mapping: _Mapping = None,
    folder: _Folders = None,
) -> None:
    """A task of the step Render: some frames, which may be killed, run again, and run twice at once."""
    from plugin.farm import render_task

    with _task() as (log, cancel):
        shot = _here(document, path_mapping, folder)
        render_task(shot, frames, log, overwrite=overwrite, cancel=cancel)


@farm.command()
def assemble(
    document: _Document,
    frames: _Frames = None,
    movie: Annotated[bool, typer.Option("--movie", help="Write a movie too.")] = False,
    path_mapping: _Mapping = None,
    folder: _Folders = None,
) -> None:
    """The step Assemble: a contact sheet and a movie, beside the frames."""
    from engine.frames import FrameRange
    from engine.render import Inputs
    from plugin.farm import assemble as write_both

    with _task() as (log, cancel):
        shot = _here(document, path_mapping, folder)
        said = frames or shot.plate.frames
        if said is None:
            with Inputs(shot) as inputs:
                said = str(inputs.frames)
        files = write_both(shot, FrameRange.parse(said), movie=movie, step=log.progress, cancel=cancel)
        log.status(f"{', '.join(map(str, files))} written")


@contextmanager
def _task() -> Iterator[tuple[TaskLog, threading.Event]]:
    from plugin.farm import TaskLog, telling_failures
    from ui.cli.signals import stop_on_signals

    log = TaskLog()
    with stop_on_signals() as cancel, telling_failures(log):
        yield log, cancel


def _here(document: Path, mapping: Path | None, folders: list[str] | None) -> Shot:
    from plugin.farm import FOLDERS, load_here

    said: dict[str, Path | None] = {}
    for text in folders or ():
        name, equals, folder = text.partition("=")
        if not (equals and name in FOLDERS):
            raise typer.BadParameter(f'--folder is one of {", ".join(FOLDERS)} with its folder, not "{text}"')
        if folder:  # a job whose parameter was left empty names none
            said[name] = Path(folder)
    return load_here(document, mapping, said)

"""A job bundle: the folder that a person hands to a farm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine.errors import OutputExistsError, OutputWriteError, ShotError, require
from engine.files import reason_of, write_whole
from engine.shot import save_shot
from plugin.farm.opencue import opencue_script
from plugin.farm.plan import FarmPlan
from plugin.farm.template import EXTENSIONS, asset_references, job_template, parameter_values
from plugin.farm.yaml import to_yaml

__all__ = ["Bundle", "write_bundle"]

TEMPLATE: Final = "template.yaml"
VALUES: Final = "parameter_values.yaml"
ASSETS: Final = "asset_references.yaml"
SHOT: Final = "shot.json"
OPENCUE: Final = "submit_opencue.py"
FIRST_LINE: Final = "# Made by rackfocus farm bundle."


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk.

    Attributes:
        folder: that holds it.
        values: folders of this machine, which a scheduler maps; ``openjd run`` goes without them.
        tasks: the frames of each task of the step Render; none where openjd-model is not there to tell.
    """

    folder: Path
    values: dict[str, str]
    tasks: tuple[str, ...] | None


def write_bundle(plan: FarmPlan, folder: Path, opencue: bool = False) -> Bundle:
    """Write the bundle, the template last, and let openjd-model look at it where it is installed.

    Args:
        plan: of the job.
        folder: made if need be; an earlier bundle in it is replaced.
        opencue: write a script for OpenCue too.

    Raises:
        OutputExistsError: the folder holds something else.
        OutputWriteError: it cannot be written.
        ShotError: openjd-model does not take the job.
    """
    folder = folder.absolute()
    template, values = job_template(plan), parameter_values(plan)
    if plan.builds:
        values["EngineCache"] = str(folder / "engines")
    tasks = _validated(template, values, folder)
    _require_ours(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputWriteError(f"{folder} cannot be made ({error.strerror}); choose another with --out") from error
    save_shot(plan.shot, folder / SHOT)
    if opencue:
        _write(folder / OPENCUE, opencue_script(plan, folder / SHOT))
    listed = {"parameterValues": [{"name": name, "value": value} for name, value in values.items()]}
    for name, content in ((VALUES, listed), (ASSETS, asset_references(plan)), (TEMPLATE, template)):
        _write(folder / name, f"{FIRST_LINE}\n{to_yaml(content)}")
    return Bundle(folder, values, tasks)


def _require_ours(folder: Path) -> None:
    """Refuse a folder that holds other things than an earlier bundle."""
    if not folder.exists():
        return
    require(folder.is_dir(), OutputExistsError, f"--out: {folder} is a file; name a folder for the bundle")
    template = folder / TEMPLATE
    ours = template.is_file() and template.read_text(encoding="utf-8", errors="replace").startswith(FIRST_LINE)
    unfinished = {entry.name for entry in folder.iterdir()} <= {SHOT, OPENCUE, VALUES, ASSETS}
    require(
        ours or unfinished,
        OutputExistsError,
        f"--out: {folder} holds something else than a bundle; name a new or an empty folder",
    )


def _validated(template: dict[str, Any], values: dict[str, str], folder: Path) -> tuple[str, ...] | None:
    """The tasks of the step Render, as openjd-model deals them out; None where it is not installed."""
    try:
        from openjd import model
    except ImportError:
        return None
    try:
        decoded = model.decode_job_template(template=template, supported_extensions=list(EXTENSIONS))
        known = model.preprocess_job_parameters(
            job_template=decoded,
            job_parameter_values=dict(values),
            job_template_dir=folder,
            current_working_dir=folder,
        )
        job = model.create_job(job_template=decoded, job_parameter_values=known)
    except (model.DecodeValidationError, ValueError) as error:
        raise ShotError(f"the job is not what Open Job Description takes: {_line(error)}; change the shot") from error
    render = next(step for step in job.steps if step.name == "Render")
    space = model.StepParameterSpaceIterator(space=render.parameterSpace)
    return tuple(str(task["Frames"].value) for task in space)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, text)
    except OSError as error:
        raise OutputWriteError(f"{path} cannot be written ({reason_of(error)}); choose another --out") from error

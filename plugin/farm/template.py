"""A job in Open Job Description, specification 2023-09 with task chunking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from plugin.farm.paths import folder_of
from plugin.farm.plan import FarmPlan, Needs
from plugin.farm.ranges import range_expression

__all__ = ["EXTENSIONS", "asset_references", "job_template", "parameter_values"]

EXTENSIONS: Final = ("TASK_CHUNKING",)

GRACE: Final = 30
"""Seconds that a task has to leave whole files behind when it is stopped; it needs one."""

FOLDER_PARAMETERS: Final[Mapping[str, tuple[str, str, str]]] = {
    "plate": ("PlateFolder", "NONE", "Folder of the plate."),
    "depth": ("DepthFolder", "NONE", "Folder of the depth."),
    "matte": ("MatteFolder", "NONE", "Folder of the matte."),
    "output": ("OutputFolder", "OUT", "Folder of the result."),
    "weights": ("Weights", "NONE", "Folder of the learned weights; each machine may keep them where it likes."),
}
"""Parameter, data flow and description of each folder. Which files are read says ``asset_references``, one by one: a
folder of plates often holds more shots than this one."""

Json = dict[str, Any]


def job_template(plan: FarmPlan) -> Json:
    """The job: check the shot, build engines where asked, render in chunks, assemble what people look at.

    Every path is a parameter, so that a scheduler maps it to its machines; paths that are none (the image of an
    aperture) are mapped by the session's rules.
    """
    steps = [_step(plan, "Check", "check", ["--frames={{Param.Frames}}"])]
    if plan.builds:
        steps.append(_step(plan, "Build", "build", [], after="Check"))
    before = steps[-1]["name"]
    steps.append(_step(plan, "Render", "render", ["--frames={{Task.Param.Frames}}"], after=before, chunked=True))
    movie = ["--movie"] if plan.movie else []
    light = Needs(1, plan.needs.memory, systems=plan.needs.systems)
    steps.append(
        _step(plan, "Assemble", "assemble", ["--frames={{Param.Frames}}", *movie], after="Render", needs=light)
    )
    environments = [{"name": "EngineCache", "variables": {"RACKFOCUS_CACHE": "{{Param.EngineCache}}"}}]
    return {
        "specificationVersion": "jobtemplate-2023-09",
        "extensions": list(EXTENSIONS),
        "name": "Rackfocus {{Param.ShotName}}",
        "parameterDefinitions": _parameters(plan),
        **({"jobEnvironments": environments} if plan.builds else {}),
        "steps": steps,
    }


def parameter_values(plan: FarmPlan) -> dict[str, str]:
    """The values that belong to this machine: folders, which a template may not hold."""
    return {FOLDER_PARAMETERS[name][0]: folder for name, folder in _folders(plan).items()}


def asset_references(plan: FarmPlan) -> Json:
    """What is read and written, as AWS Deadline Cloud takes it to bring files to machines that share no disk."""
    folders = _folders(plan)
    return {
        "assetReferences": {
            "inputs": {"filenames": [str(path) for path in plan.inputs], "directories": []},
            "outputs": {"directories": [folders["output"]]},
            "referencedPaths": [folders["weights"]] if "weights" in folders else [],
        }
    }


def _folders(plan: FarmPlan) -> dict[str, str]:
    found = {name: folder_of(plan.shot, name) for name in FOLDER_PARAMETERS}
    return {name: folder for name, folder in found.items() if folder is not None}


def _parameters(plan: FarmPlan) -> list[Json]:
    folders = [
        {
            "name": name,
            "type": "PATH",
            "objectType": "DIRECTORY",
            "dataFlow": flow,
            "default": "",
            "description": f"{what} Empty for the one that the shot document names.",
            "userInterface": {"control": "CHOOSE_DIRECTORY", "label": what.partition(";")[0].rstrip(".")},
        }
        for name, flow, what in (FOLDER_PARAMETERS[key] for key in _folders(plan))
    ]
    cache = {
        "name": "EngineCache",
        "type": "PATH",
        "objectType": "DIRECTORY",
        "dataFlow": "NONE",
        "default": "engines",
        "description": "Folder of built engines that all machines that render can write.",
    }
    return [
        {"name": "ShotName", "type": "STRING", "default": plan.name, "description": "What people know the shot by."},
        {
            "name": "Shot",
            "type": "PATH",
            "objectType": "FILE",
            "dataFlow": "IN",
            "default": "shot.json",
            "description": "The shot document.",
        },
        {
            "name": "Frames",
            "type": "STRING",
            "default": range_expression(plan.frames),
            "description": "Frames to render, like 1001-1024 or 1001-1024:2.",
        },
        {
            "name": "ChunkSize",
            "type": "INT",
            "default": plan.chunk,
            "minValue": 1,
            "description": "Frames of a task; any number gives the same pixels.",
        },
        *folders,
        *([cache] if plan.builds else []),
        {
            "name": "Rackfocus",
            "type": "STRING",
            "default": plan.command[0],
            "description": "The program that starts Rackfocus on a machine of the farm.",
        },
    ]


def _step(
    plan: FarmPlan,
    name: str,
    task: str,
    options: list[str],
    *,
    after: str | None = None,
    chunked: bool = False,
    needs: Needs | None = None,
) -> Json:
    folders = [f"--folder={key}={{{{Param.{FOLDER_PARAMETERS[key][0]}}}}}" for key in _folders(plan)]
    mapping = "--path-mapping={{Session.PathMappingRulesFile}}"
    arguments = [*plan.command[1:], "farm", task, "{{Param.Shot}}", *options, *folders, mapping]
    run = {
        "command": "{{Param.Rackfocus}}",
        "args": arguments,
        "cancelation": {"mode": "NOTIFY_THEN_TERMINATE", "notifyPeriodInSeconds": GRACE},
    }
    return {
        "name": name,
        **({"dependencies": [{"dependsOn": after}]} if after else {}),
        **({"parameterSpace": _chunks()} if chunked else {}),
        "hostRequirements": _requirements(needs or plan.needs),
        "script": {"actions": {"onRun": run}},
    }


def _chunks() -> Json:
    # Chunks with holes too: frames on twos are chunks then, and not tasks of one frame.
    chunks = {
        "defaultTaskCount": "{{Param.ChunkSize}}",
        "targetRuntimeSeconds": 0,
        "rangeConstraint": "NONCONTIGUOUS",
    }
    frames = {"name": "Frames", "type": "CHUNK[INT]", "range": "{{Param.Frames}}", "chunks": chunks}
    return {"taskParameterDefinitions": [frames]}


def _requirements(needs: Needs) -> Json:
    amounts = {
        "amount.worker.vcpu": needs.cpus,
        "amount.worker.memory": needs.memory,
        "amount.worker.gpu": needs.gpus,
        "amount.worker.gpu.memory": needs.gpu_memory,
    }
    systems = [{"name": "attr.worker.os.family", "anyOf": list(needs.systems)}]
    return {
        "amounts": [{"name": name, "min": least} for name, least in amounts.items() if least],
        **({"attributes": systems} if needs.systems else {}),
    }

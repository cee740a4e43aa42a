"""``rackfocus doctor``: what is installed here, what is missing, and how to get it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Mapping
from importlib import metadata
from importlib.util import find_spec
from typing import Annotated, Any, Final

import typer

from engine.json_text import json_text

__all__ = ["doctor"]

BASE: Final = ("numpy", "numba", "OpenImageIO", "av", "pydantic", "typer", "rich")

EXTRAS: Final = {
    "torch": ("torch", "the learned renderers"),
    "export": ("onnxscript", "exporting learned renderers to ONNX"),
    "onnx": ("onnxruntime", "learned renderers through ONNX Runtime on the CPU"),
    "gpu": ("onnxruntime-gpu", "learned renderers through ONNX Runtime on a GPU"),
    "tensorrt": ("tensorrt", "learned renderers through TensorRT"),
    "desktop": ("PySide6", "the desktop application"),
    "train": ("accelerate", "training"),
    "lpips": ("torchmetrics", "LPIPS without a file of heads"),
    "farm": ("openjd", "Open Job Description"),
    "dev": ("pytest", "the tests"),
}
"""Extra of the installation, a package that it brings, and what it is for."""

PEERS: Final = {"gegl": "gegl --version", "blender": "blender --version"}


def doctor(json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False) -> None:
    """Say what is installed, what is missing and which command gets it."""
    report = _examine()
    if json:
        typer.echo(json_text(report))
    else:
        for line in _lines(report):
            typer.echo(line)
    if report["missing"]:
        raise typer.Exit(5)


def _examine() -> dict[str, Any]:
    from rackfocus import __version__

    versions = {name: _version(name) for name in BASE}
    return {
        "rackfocus": __version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "system": platform.platform(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "packages": versions,
        "missing": [name for name, version in versions.items() if version is None],
        "numba": _numba(),
        "torch": _torch(),
        "onnxruntime": _onnxruntime(),
        "images": _images(),
        "codecs": _codecs(),
        "peers": {name: shutil.which(name) for name in PEERS},
        "extras": {extra: _is_here(package) for extra, (package, _) in EXTRAS.items()},
    }


def _is_here(package: str) -> bool:
    """By the name of its module, or of its distribution where two have one module."""
    return find_spec(package) is not None or _version(package) is not None


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _numba() -> dict[str, Any]:
    """Threads, and the folder where compiled kernels are kept."""
    if find_spec("numba") is None:
        return {}
    from numba import config

    kept = getattr(config, "CACHE_DIR", "") or "beside the source files"
    return {"threads": getattr(config, "NUMBA_NUM_THREADS", None), "cache": kept}


def _torch() -> dict[str, Any]:
    """Torch and the devices that the learned renderers can run on; empty where it is not installed."""
    if find_spec("torch") is None:
        return {}
    from engine.runtime.torch.devices import devices_here

    return {"version": _version("torch"), "devices": list(devices_here())}


def _onnxruntime() -> dict[str, Any]:
    """ONNX Runtime and which of its providers run here, or why not; empty where it is not installed."""
    if find_spec("onnxruntime") is None:
        return {}
    from engine.runtime.onnx.providers import devices_found, version

    found = devices_found()
    devices = {state.device: {"offered": state.offered, "why_not": state.reason} for state in found}
    return {"version": version(), "devices": devices}


def _images() -> dict[str, Any]:
    """OpenImageIO, its OpenColorIO, and the configuration that colour spaces are named in."""
    if find_spec("OpenImageIO") is None:
        return {}
    import OpenImageIO as oiio  # noqa: N813  the name that its own documentation uses

    from engine.media.colour import BUILT_IN_CONFIG

    return {
        "formats": str(oiio.get_string_attribute("format_list")).split(","),
        "opencolorio": str(oiio.get_string_attribute("opencolorio_version")),
        "ocio": os.environ.get("OCIO") or f"{BUILT_IN_CONFIG} ($OCIO is not set)",
    }


def _codecs() -> dict[str, bool]:
    """The movie encoders that deliveries need."""
    if find_spec("av") is None:
        return {}
    import av

    return {name: name in av.codecs_available for name in ("libx264", "libx265", "prores_ks", "h264", "hevc", "prores")}


def _lines(report: Mapping[str, Any]) -> list[str]:
    lines = [
        f"rackfocus {report['rackfocus']}, Python {report['python']} ({report['executable']})",
        f"{report['system']}, {report['cores']} cores",
        "",
    ]
    lines += [f"  {name:<12} {version or 'MISSING'}" for name, version in report["packages"].items()]
    numba = report["numba"]
    lines += [f"  {'threads':<12} {numba.get('threads')}; kernels kept {numba.get('cache')}"]
    if report["torch"]:
        lines += [f"  {'torch':<12} {report['torch']['version']}; devices: {', '.join(report['torch']['devices'])}"]
    lines += _providers(report["onnxruntime"])
    lines += [f"  {'OCIO':<12} {report['images'].get('ocio')}"]
    lines += [f"  {name:<12} {'yes' if there else 'no'}" for name, there in report["codecs"].items()]
    lines += ["", "Peers for `rackfocus bench`:"]
    lines += [
        f"  {name:<12} {place or f'not found; apt-get install {name}'}" for name, place in report["peers"].items()
    ]
    lines += ["", "Extras:"]
    for extra, (_, purpose) in EXTRAS.items():
        state = "installed" if report["extras"][extra] else f"pip install -c constraints.txt '.[{extra}]'"
        lines.append(f"  {extra:<12} {state:<46} {purpose}")
    if report["missing"]:
        lines += ["", f"missing: {', '.join(report['missing'])}; pip install -c constraints.txt ."]
    return lines


def _providers(found: Mapping[str, Any]) -> list[str]:
    """What ONNX Runtime can use, and each device that it cannot with the reason."""
    if not found:
        return []
    usable = [device for device, state in found["devices"].items() if state["why_not"] is None]
    lines = [f"  {'onnxruntime':<12} {found['version']}; devices: {', '.join(usable)}"]
    for device, state in found["devices"].items():
        if state["why_not"] is not None:
            lines.append(f"  {'':<12} {device} not usable: {state['why_not']}")
    return lines

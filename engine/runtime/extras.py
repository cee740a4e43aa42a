"""What of the installation's extras is there. No Torch here: this is asked before it is imported."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from engine.errors import DependencyError

__all__ = ["TORCH_PACKAGES", "require_onnx", "require_torch"]

TORCH_PACKAGES: Final = ("torch", "diffusers", "transformers", "safetensors")
"""What the ``torch`` extra brings and the networks import."""


def require_torch(purpose: str = "the any-to-bokeh renderer") -> None:
    """Make sure that the ``torch`` extra is installed; nothing is imported.

    Args:
        purpose: what needs it, as the message has it.

    Raises:
        DependencyError: a package of it is missing; says the command that installs them.
    """
    missing = [name for name in TORCH_PACKAGES if find_spec(name) is None]
    if missing:
        raise DependencyError(
            f"{purpose} needs {', '.join(missing)}; install the extra: pip install -c constraints.txt '.[torch]'"
        )


def require_onnx(purpose: str = "an export of the any-to-bokeh renderer") -> None:
    """Make sure that ONNX Runtime is installed; nothing is imported.

    Args:
        purpose: what needs it, as the message has it.

    Raises:
        DependencyError: it is missing; says the commands that install it.
    """
    if find_spec("onnxruntime") is None:
        cpu, gpu = ("pip install -c constraints.txt '.[onnx]'", "pip install -c constraints.txt '.[gpu]'")
        raise DependencyError(f"{purpose} needs onnxruntime; install an extra: {cpu}, or on an NVIDIA card {gpu}")

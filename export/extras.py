"""What exporting needs of the installation's extras. Nothing heavy here: this is asked before it is imported."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from engine.errors import DependencyError
from engine.runtime.extras import require_torch

__all__ = ["EXPORT_PACKAGES", "require_export"]

EXPORT_PACKAGES: Final = ("onnx", "onnxscript", "onnx_ir", "ml_dtypes", "onnxruntime")
"""What the ``export`` and ``onnx`` extras bring."""


def require_export() -> None:
    """Make sure that the extras ``torch``, ``export`` and ``onnx`` are installed; nothing is imported.

    Raises:
        DependencyError: a package is missing; says the command that installs them.
    """
    require_torch("rackfocus export")
    missing = [name for name in EXPORT_PACKAGES if find_spec(name) is None]
    if missing:
        raise DependencyError(
            f"rackfocus export needs {', '.join(missing)}; "
            "install the extras: pip install -c constraints.txt '.[torch,export,onnx]'"
        )

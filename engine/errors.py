"""One tree of errors, each with a stable code.

    RackfocusError
    ├── ShotError             shot.*      the shot document or a flag that builds it
    │   ├── SchemaError       shot.schema the document is from a newer or unknown version
    │   └── KeysError         shot.keys   keys out of order, repeated or out of range
    ├── MediaError            media.*     a file or movie cannot be read
    │   ├── MissingFrameError media.missing
    │   ├── CorruptError      media.corrupt
    │   ├── ChannelError      media.channel
    │   ├── FormatError       media.format      unknown file type, compression, data type
    │   ├── ColourError       media.colour
    │   └── FrameSizeError    media.size        a frame of another size than the shot's first
    ├── DepthError            depth.*
    │   ├── DepthSizeError    depth.size  depth and plate do not fit each other
    │   └── DepthRangeError   depth.range all-equal depth, or limits that make no range
    ├── MatteError            matte       a matte that does not fit its plate, or whose values are no coverage
    ├── OpticsError           optics      K, lens or aperture values that no lens has
    ├── OutputError           output.*    a result cannot be written
    │   ├── OutputExistsError output.exists   would write over input or kept work
    │   └── OutputWriteError  output.write    full disk, read-only folder
    ├── WeightsError          weights.*   a folder of weights cannot be used
    │   ├── MissingWeightsError   weights.missing  no folder given, or files or tensors missing in it
    │   ├── WeightsShapeError     weights.shape    tensors of other shapes than the network's
    │   └── CorruptWeightsError   weights.corrupt  a file is truncated, or is no file of weights
    ├── DeviceError           device      a device or a precision that is not to be had here
    │   └── ProviderFailedError   device.provider  it is there, and cannot load or run a graph
    ├── MemoryShortError      memory      the frame does not fit the device's memory
    ├── NumbersError          numbers     a network gave NaN or infinity in its highest precision too
    ├── ExportError           export      a network cannot be exported, or its graph differs from it
    ├── DataSetError          data        a folder of training clips is missing, unfinished or damaged
    ├── TrainingError         training    a run of training cannot start, or not go on
    ├── DependencyError       install     an extra or an outside program is missing
    ├── ProtocolError         worker.protocol  a host that this worker does not understand
    └── CancelledError        cancelled   a person or a host asked to stop

A class is a cause and its code never changes: scripts, hosts and the farm read the code; people read the message,
which is one sentence that names the place, what was found, what was expected and what to do.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "CancelledError",
    "ChannelError",
    "ColourError",
    "CorruptError",
    "CorruptWeightsError",
    "DataSetError",
    "DependencyError",
    "DepthError",
    "DepthRangeError",
    "DepthSizeError",
    "DeviceError",
    "ExportError",
    "FormatError",
    "FrameSizeError",
    "KeysError",
    "MatteError",
    "MediaError",
    "MemoryShortError",
    "MissingFrameError",
    "MissingWeightsError",
    "NumbersError",
    "OpticsError",
    "OutputError",
    "OutputExistsError",
    "OutputWriteError",
    "ProtocolError",
    "ProviderFailedError",
    "RackfocusError",
    "SchemaError",
    "ShotError",
    "TrainingError",
    "WeightsError",
    "WeightsShapeError",
    "require",
]


class RackfocusError(Exception):
    """The root: catch this to catch all that Rackfocus raises on purpose.

    Attributes:
        code: stable, dotted, lower case; the same for every error of a class.
        exit_status: what the command line exits with (see ``docs/errors.md``).
    """

    code: ClassVar[str] = "rackfocus"
    exit_status: ClassVar[int] = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class ShotError(RackfocusError):
    """The shot document, or a flag that builds one, is not valid."""

    code = "shot"
    exit_status = 2


class SchemaError(ShotError):
    """The document says a schema version that this program cannot read."""

    code = "shot.schema"


class KeysError(ShotError):
    """Keys are out of order, repeated, empty or out of range."""

    code = "shot.keys"


class MediaError(RackfocusError):
    """A plate, depth or reference file cannot be read."""

    code = "media"
    exit_status = 3


class MissingFrameError(MediaError):
    """A frame of a sequence has no file, or a movie ends before it."""

    code = "media.missing"


class CorruptError(MediaError):
    """A file exists but is truncated or damaged."""

    code = "media.corrupt"


class ChannelError(MediaError):
    """A layer or channel that was asked for is not in the file."""

    code = "media.channel"


class FormatError(MediaError):
    """A file type, compression or data type that is not known."""

    code = "media.format"


class ColourError(MediaError):
    """A colour space or OCIO configuration that is not known."""

    code = "media.colour"


class FrameSizeError(MediaError):
    """A frame has another size than the first frame of the shot, and the renderer looks at both."""

    code = "media.size"


class DepthError(RackfocusError):
    """Depth cannot be turned into disparity."""

    code = "depth"
    exit_status = 3


class DepthSizeError(DepthError):
    """Depth and plate differ in size and ``depth.fit`` does not allow it."""

    code = "depth.size"


class DepthRangeError(DepthError):
    """Depth is all equal, or its limits leave no range."""

    code = "depth.range"


class MatteError(RackfocusError):
    """A matte and its plate differ in size, or its values are no coverage."""

    code = "matte"
    exit_status = 3


class OpticsError(RackfocusError):
    """A blur strength, lens or aperture that no lens has."""

    code = "optics"
    exit_status = 2


class OutputError(RackfocusError):
    """A result cannot be written."""

    code = "output"
    exit_status = 4


class OutputExistsError(OutputError):
    """The output would replace an input, or work that is to be kept."""

    code = "output.exists"


class OutputWriteError(OutputError):
    """The disk is full, or the folder may not be written."""

    code = "output.write"


class WeightsError(RackfocusError):
    """A folder of learned weights cannot be used."""

    code = "weights"
    exit_status = 6


class MissingWeightsError(WeightsError):
    """No folder of weights was given, or files or tensors are missing in it."""

    code = "weights.missing"


class WeightsShapeError(WeightsError):
    """Tensors have other shapes than the network that their configuration describes."""

    code = "weights.shape"


class CorruptWeightsError(WeightsError):
    """A file of weights is truncated or damaged, or is something else."""

    code = "weights.corrupt"


class DeviceError(RackfocusError):
    """A device or a precision that cannot be had on this machine."""

    code = "device"
    exit_status = 5


class ProviderFailedError(DeviceError):
    """A provider of ONNX Runtime is there and cannot load or run a graph."""

    code = "device.provider"


class MemoryShortError(RackfocusError):
    """The frame does not fit into the memory of the device."""

    code = "memory"
    exit_status = 71


class NumbersError(RackfocusError):
    """A network gave values that are not finite, in its highest precision too."""

    code = "numbers"
    exit_status = 7


class ExportError(RackfocusError):
    """A network cannot be said in ONNX, or its graph does not compute what the network does."""

    code = "export"
    exit_status = 8


class DataSetError(RackfocusError):
    """A folder of training clips, or of assets for them, is missing, unfinished or damaged."""

    code = "data"
    exit_status = 3


class TrainingError(RackfocusError):
    """A run of training cannot start, or cannot go on where it stopped."""

    code = "training"
    exit_status = 9


class DependencyError(RackfocusError):
    """An extra of the installation, or an outside program, is missing."""

    code = "install"
    exit_status = 5


class ProtocolError(RackfocusError):
    """A host and the worker speak different protocols, or the host did not say hello first."""

    code = "worker.protocol"
    exit_status = 10


class CancelledError(RackfocusError):
    """A person, a host or a signal asked for the work to stop."""

    code = "cancelled"
    exit_status = 130


def require(condition: bool, cause: type[RackfocusError], message: str) -> None:
    """Raise ``cause(message)`` unless ``condition`` holds."""
    if not condition:
        raise cause(message)

"""What may be asked of the worker, and how it says that something went wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import RackfocusError

__all__ = [
    "INTERNAL",
    "PROTOCOL",
    "REQUESTS",
    "Call",
    "Cancel",
    "Fault",
    "Initialize",
    "Preview",
    "Render",
    "Sample",
    "Shutdown",
    "fault_of",
    "parse",
]

PROTOCOL: Final = 1

UNREADABLE: Final = -32700
NOT_A_REQUEST: Final = -32600
UNKNOWN_METHOD: Final = -32601
WRONG_PARAMETERS: Final = -32602
INTERNAL: Final = -32603
OURS: Final = -32000

Id = int | str
Document = dict[str, Any]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Frame = Annotated[int, Field(gt=-1_000_000_000, lt=1_000_000_000)]


class Fault(Exception):  # noqa: N818  it travels to the host as an answer
    """A request that cannot be answered, in JSON-RPC's terms.

    Attributes:
        number: JSON-RPC's code.
        message: one sentence.
        data: ``code`` of the engine's error where it is one, and further facts.
        request: which one; None where it cannot be told.
    """

    def __init__(self, number: int, message: str, data: Document | None = None, request: Id | None = None) -> None:
        super().__init__(message)
        self.number = number
        self.message = message
        self.data = data
        self.request = request

    def to_json(self) -> Document:
        """The ``error`` of an answer."""
        told: Document = {"code": self.number, "message": self.message}
        return told if self.data is None else {**told, "data": self.data}


class _Parameters(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Client(_Parameters):
    """Who asks."""

    name: str = ""
    version: str = ""
    host: str = ""


class Initialize(_Parameters):
    """Say hello; the first request."""

    protocol: int
    client: Client = Client()


class Render(_Parameters):
    """Render a shot, or some of its frames."""

    shot: Document
    frames: str | None = None
    overwrite: bool = False


class Preview(_Parameters):
    """Render one frame, small, in a region of the display window given as left, top, right and bottom pixel."""

    shot: Document
    frame: Frame
    scale: Annotated[float, Field(gt=0, le=1)] = 0.25
    region: Annotated[list[Finite], Field(min_length=4, max_length=4)] | None = None
    path: Annotated[str, Field(min_length=1)] | None = None


class Sample(_Parameters):
    """Read the depth under a pixel of the display window."""

    shot: Document
    frame: Frame
    x: Finite
    y: Finite
    radius: Annotated[int, Field(ge=0, le=64)] = 0


class Cancel(_Parameters):
    """Stop another request."""

    request: Id


class Shutdown(_Parameters):
    """End the worker."""


Request = Initialize | Render | Preview | Sample | Cancel | Shutdown
REQUESTS: Final[dict[str, type[Request]]] = {kind.__name__.lower(): kind for kind in Request.__args__}
"""Each method and its parameters."""


@dataclass(frozen=True)
class Call:
    """A request, and the number under which it wants its answer; a notification wants none."""

    request: Id | None
    method: str
    parameters: Request


def parse(line: bytes) -> Call:
    """Read one line.

    Raises:
        Fault: it is no request that the worker knows.
    """
    try:
        message = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise Fault(UNREADABLE, "the line is not UTF-8; send one JSON object a line") from None
    except RecursionError:
        raise Fault(UNREADABLE, "the line is nested too deeply; send one JSON object a line") from None
    except ValueError:  # also whole numbers of thousands of digits
        raise Fault(UNREADABLE, "the line is not JSON; send one JSON object a line") from None
    if not isinstance(message, dict):
        raise Fault(NOT_A_REQUEST, "the line is not one JSON object; send requests one by one")
    request = message.get("id")
    if isinstance(request, bool) or not isinstance(request, int | str | None):
        raise Fault(NOT_A_REQUEST, "id is neither a whole number nor a text; number your requests")
    method = message.get("method")
    if message.get("jsonrpc") != "2.0" or not isinstance(method, str):
        raise Fault(NOT_A_REQUEST, 'not a request; it needs "jsonrpc": "2.0" and a method', request=request)
    if method not in REQUESTS:
        known = ", ".join(REQUESTS)
        raise Fault(UNKNOWN_METHOD, f"there is no method {_shown(method)}; known are {known}", request=request)
    given = message.get("params", {})
    if not isinstance(given, dict):
        raise Fault(WRONG_PARAMETERS, f"{method}: params are no object; name the parameters", request=request)
    try:
        return Call(request, method, REQUESTS[method].model_validate(given))
    except ValidationError as error:
        raise Fault(WRONG_PARAMETERS, f"{method}: {_sentence(error)}", request=request) from None
    except (RecursionError, OverflowError):
        raise Fault(WRONG_PARAMETERS, f"{method}: a value is too deep or too large", request=request) from None


def fault_of(error: BaseException, **further: object) -> Fault:
    """The fault that tells a host of an error; ``further`` facts go into its data."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, RackfocusError):
        return Fault(OURS, error.message, {"code": error.code, **further})
    if isinstance(error, MemoryError):
        message = "there is not enough memory for this frame; render it on a larger machine"
        return Fault(OURS, message, {"code": "memory", **further})
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return Fault(INTERNAL, f"{what}; this is a fault of Rackfocus, its log shows where", {"code": "internal"})


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(step) for step in first["loc"])[:80]
    kinds: dict[str, str] = {"missing": "is missing", "extra_forbidden": "is not known"}
    return f"{_shown(place)} {kinds.get(first['type'], 'is wrong: ' + first['msg'][:1].lower() + first['msg'][1:])}"


def _shown(text: str) -> str:
    return json.dumps(text if len(text) <= 80 else text[:77] + "...")

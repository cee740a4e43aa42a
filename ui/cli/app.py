"""The application: its commands, and what a person sees when one fails.

Nothing here imports NumPy, Numba or OpenImageIO: ``rackfocus --help`` and shell completion must answer at once. Each
command imports the engine when it runs.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from typing import Annotated, Final, NoReturn, cast

import typer

from engine.errors import CancelledError, RackfocusError
from ui.cli.bench import bench
from ui.cli.build import build
from ui.cli.cache import cache
from ui.cli.check import check
from ui.cli.data import data
from ui.cli.demo import demo
from ui.cli.doctor import doctor
from ui.cli.evaluate import evaluate
from ui.cli.export import export
from ui.cli.farm import farm
from ui.cli.info import info
from ui.cli.install import install
from ui.cli.render import render
from ui.cli.train import train
from ui.cli.weights import weights
from ui.cli.worker import worker

__all__ = ["app", "main", "run"]

UNEXPECTED: Final = 70
"""Exit status of an error that Rackfocus did not foresee (EX_SOFTWARE of sysexits.h)."""

# Typer carries its own Click since 0.28 or so; the class is reached through what Typer publishes in every version.
_UsageError = cast(
    "type[Exception]", next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
)

app = typer.Typer(
    name="rackfocus",
    help="Rackfocus pulls focus after the shoot: depth of field for sharp shots with depth.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (demo, render, check, info, evaluate, bench, train, export, build, install, doctor, worker):
    app.command()(_command)
app.add_typer(weights)
app.add_typer(cache)
app.add_typer(data)
app.add_typer(farm)


def _say_version(asked: bool) -> None:
    if asked:
        from rackfocus import __version__

        typer.echo(f"rackfocus {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_say_version, is_eager=True)
    ] = False,
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where in the program an error arose.")] = False,
) -> None:
    """Rackfocus pulls focus after the shoot: depth of field for sharp shots with depth."""
    del version, traceback  # the first acts by itself, the second is read by main() wherever it stands


def main() -> NoReturn:
    """Run the command line and exit: 0 when all went well, else the status of the error (``docs/errors.md``)."""
    _print_any_name()
    arguments = [argument for argument in sys.argv[1:] if argument != "--traceback"]
    wants_traceback = len(arguments) != len(sys.argv[1:])
    status = run(arguments, wants_traceback)
    sys.stdout.flush()
    sys.stderr.flush()
    if status == CancelledError.exit_status:
        # A compilation or a slow disk may still hold a thread; a person who asked to stop does not wait for it.
        os._exit(status)
    sys.exit(status)


def _print_any_name() -> None:
    """Let names that a console's letters lack, or that are no text at all, be printed as escapes instead of failing.

    On Windows a pipe would get the letters of the region's old code page; hosts and schedulers read UTF-8.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            piped = sys.platform == "win32" and not stream.isatty() and "PYTHONIOENCODING" not in os.environ
            stream.reconfigure(encoding="utf-8" if piped else None, errors="backslashreplace")


def run(arguments: list[str], wants_traceback: bool = False) -> int:
    """Run the command line in this process; errors become one line on standard error.

    Returns:
        The exit status.
    """
    try:
        outcome = app(arguments, prog_name="rackfocus", standalone_mode=False)
    except RackfocusError as error:
        return _fail(error.code, error.message, error.exit_status, wants_traceback)
    except _UsageError as error:
        message = getattr(error, "format_message", error.__str__)()
        return _fail("usage", f"{_sentence(message)}; see rackfocus --help", 2, wants_traceback)
    except (typer.Abort, KeyboardInterrupt):
        return _fail(CancelledError.code, "stopped", CancelledError.exit_status, wants_traceback)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except MemoryError:
        return _fail(
            "memory", "there is not enough memory for this frame; render it on a larger machine", 71, wants_traceback
        )
    except Exception as error:  # noqa: BLE001  the last line of defence: a sentence in place of a page
        what = f"{type(error).__name__}: {_sentence(str(error))}"
        return _fail(
            "internal", f"{what}; this is a fault of Rackfocus, --traceback shows where", UNEXPECTED, wants_traceback
        )
    return outcome if isinstance(outcome, int) else 0


def _fail(code: str, message: str, status: int, wants_traceback: bool) -> int:
    if wants_traceback:
        traceback.print_exc()
    print(f"rackfocus: error: {code}: {_sentence(message)}", file=sys.stderr)
    return status


def _sentence(text: str) -> str:
    return " ".join(text.split()).rstrip(".")

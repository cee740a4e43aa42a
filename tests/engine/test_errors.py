from __future__ import annotations

import re
from pathlib import Path

import pytest

import engine.errors
from engine.errors import RackfocusError, ShotError, require
from engine.reference import errors_reference, tree

CAUSES = tree(RackfocusError)
PAGE = Path(__file__).parents[2] / "docs" / "errors.md"


def test_every_cause_has_a_code_of_its_own() -> None:
    codes = [cause.code for cause in CAUSES]
    assert len(set(codes)) == len(codes)
    assert all("code" in vars(cause) for cause in CAUSES)


@pytest.mark.parametrize("cause", CAUSES)
def test_a_code_is_short_dotted_and_lies_below_its_parents(cause: type[RackfocusError]) -> None:
    assert re.fullmatch(r"[a-z]+(\.[a-z]+)?", cause.code)
    parent = cause.__mro__[1]
    if parent not in (Exception, RackfocusError):
        assert cause.code.startswith(f"{parent.code}.")


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_is_drawn_public_and_explained(cause: type[RackfocusError]) -> None:
    drawing = engine.errors.__doc__ or ""
    assert re.search(rf"\b{cause.__name__}\b", drawing)
    assert cause.__name__ in engine.errors.__all__
    assert cause.__doc__


def test_nothing_is_public_that_is_not_there() -> None:
    assert set(engine.errors.__all__) == {cause.__name__ for cause in CAUSES} | {"require"}


def test_an_exit_status_says_at_least_which_branch() -> None:
    assert all(0 < cause.exit_status < 256 for cause in CAUSES)


def test_a_message_has_its_code_in_front() -> None:
    error = ShotError("plate.path is missing; add it")
    assert str(error) == "shot: plate.path is missing; add it"
    assert error.message == "plate.path is missing; add it"


def test_require_raises_the_cause_only_when_needed() -> None:
    require(True, ShotError, "never")
    with pytest.raises(ShotError, match="now"):
        require(False, ShotError, "now")


def test_the_page_of_errors_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == errors_reference(), "run python -m engine.reference"

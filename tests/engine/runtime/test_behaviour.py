from __future__ import annotations

from engine.runtime import PAPER, RELEASED, Behaviour
from engine.shot import AnyToBokehOptions


def test_a_profile_alone_settles_every_option() -> None:
    assert Behaviour.of(AnyToBokehOptions()) == RELEASED
    assert Behaviour.of(AnyToBokehOptions(profile="paper")) == PAPER


def test_the_two_profiles_differ_in_every_option() -> None:
    assert all(getattr(RELEASED, name) != getattr(PAPER, name) for name in Behaviour.__dataclass_fields__)


def test_what_the_options_say_wins_over_the_profile_and_leaves_the_rest_alone() -> None:
    said = Behaviour.of(AnyToBokehOptions(profile="released", fps_id=0, mask_exponent=0.0, mpi_masks="threshold"))
    assert (said.fps_id, said.mask_exponent, said.mpi_masks) == (0, 0.0, "threshold")
    assert (said.clip_input, said.strength_embedding, said.ramp) == ("plain", "half", "released")

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch.distributions import Normal, kl_divergence

from training.stages.losses import divergence_from_normal, latent_error, picture_error, sobel, texture_error

FORMS = ("paper", "released")


def some(seed: int) -> torch.Tensor:
    return torch.rand(2, 3, 3, 12, 10, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize("form", FORMS)
def test_equal_pictures_have_no_error(form: str) -> None:
    assert texture_error(some(0), some(0), form) == picture_error(some(0), some(0)) == 0


def test_the_differences_are_those_of_scipy_s_sobel() -> None:
    plane = some(0)
    for ours, axis in zip(sobel(plane), (-1, -2), strict=True):
        # SciPy smooths along all other axes too, so one plane at a time.
        theirs = np.stack(
            [ndimage.sobel(p, axis=axis, mode="constant") for p in plane.double().numpy().reshape(-1, 12, 10)]
        )
        np.testing.assert_allclose(ours.reshape(-1, 12, 10).numpy(), theirs, atol=1e-5)


def test_equation_4_of_one_edge_by_hand() -> None:
    # A step of 1 in the middle of six columns, in rows that repeat: 4 across at the two columns beside it, 0 down. At
    # the border the zeros around show: rows at top and bottom have 3 across, and the bright side is an edge itself.
    flat, edge = torch.zeros(1, 4, 6), torch.zeros(1, 4, 6)
    edge[..., 3:] = 1
    across = torch.tensor([[3.0], [4], [4], [3]]) * torch.tensor([0.0, 0, 1, 1, 0, -1])
    down = torch.tensor([[1.0], [0], [0], [-1]]) * torch.tensor([0.0, 0, 1, 3, 4, 3])
    expected = (across.square() + down.square()).mean()
    assert texture_error(edge, flat, "paper") == pytest.approx(float(expected), rel=1e-6)


def test_the_released_form_knows_how_strong_an_edge_is_and_not_where_it_points() -> None:
    edge = some(1)
    assert texture_error(edge, -edge, "released") == pytest.approx(0, abs=1e-6)
    assert texture_error(edge, -edge, "paper") > 1
    assert texture_error(2 * edge, edge, "released") == pytest.approx(
        float(texture_error(edge, 0 * edge, "released")), rel=2e-2
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_texture_error_has_a_finite_slope_where_pictures_are_flat(form: str) -> None:
    made = torch.zeros(1, 3, 8, 8, requires_grad=True)
    texture_error(made, some(2)[0, :1, :, :8, :8], form).backward()
    assert made.grad is not None
    assert made.grad.isfinite().all()


def test_the_errors_grow_with_what_is_wrong() -> None:
    wanted = some(3)
    for error in (latent_error, picture_error, lambda a, b: texture_error(a, b, "paper")):
        errors = [float(error(wanted + share * some(4), wanted)) for share in (0.1, 0.2, 0.4)]
        assert all(less < more for less, more in pairwise(errors))


def test_half_precision_is_summed_in_single() -> None:
    made = torch.full((1, 3, 64, 64), 300.0, dtype=torch.float16)
    assert latent_error(made, 0 * made) == 90000


def test_the_divergence_is_that_of_two_normal_distributions() -> None:
    mean, log_variance = some(5).flatten(0, 1).double(), some(6).flatten(0, 1).double()
    theirs = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0)).mean()
    ours = divergence_from_normal(torch.cat([mean, log_variance], 1))
    assert float(ours) == pytest.approx(float(theirs), rel=1e-5)
    assert divergence_from_normal(torch.zeros(2, 8, 3, 3)) == 0

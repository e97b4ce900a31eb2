"""What the checks of af22 compute for themselves, by hand or by brute force; and that no case is left out."""

import numpy as np

from paper_checks import ledger
from paper_checks.af22 import (
    collapse_one_sam,
    group_order,
    implicit_bias,
    linear_interpolation,
    m_sharpness,
    normalised_sliding,
    one_sam_norm,
)


def test_the_largest_loss_in_a_ball_is_that_of_a_fine_circle():
    rng = np.random.default_rng(0)
    angle = np.linspace(0, 2 * np.pi, 20_001)
    circle = 0.7 * np.stack([np.cos(angle), np.sin(angle)])
    for rows in (1, 2, 5):
        a, r = rng.standard_normal((rows, 2)), rng.standard_normal(rows)
        brute = np.max(np.sum((a @ circle + r[:, None]) ** 2, axis=0)) / 2
        np.testing.assert_allclose(m_sharpness.largest(a, r, 0.7), brute, rtol=1e-7)
    # one example: (|r| + rho |a|)^2 / 2
    np.testing.assert_allclose(m_sharpness.largest(np.array([[3.0, 4.0]]), np.array([-2.0]), 0.1), 3.125)


def test_the_weights_of_1_sam_are_one_plus_rho_times_the_squared_norms():
    x = np.array([[3.0, 4.0], [1.0, 0.0]])
    metric = linear_interpolation.metric(x, np.array([[0], [1]]), 0.2)
    np.testing.assert_allclose(metric, np.diag([6.0, 1.2]), rtol=1e-15)
    metric = linear_interpolation.metric(x, np.array([[0, 1]]), 0.2)  # one group of two: rho / m = 0.1
    np.testing.assert_allclose(metric, [[3.5, 0.3], [0.3, 1.1]], rtol=1e-15)


def test_n_sam_keeps_least_squares_where_nothing_interpolates():
    f = linear_interpolation.problem("noisy")
    plain = np.linalg.lstsq(f.a[:, :5], f.b, rcond=None)[0]
    case = linear_interpolation.Case("noisy", "n-SAM", 0.0, "n-SAM", linear_interpolation.RHO)
    np.testing.assert_allclose(linear_interpolation.claimed(case)[:5], plain, rtol=1e-12)
    other = linear_interpolation.claimed(case._replace(claim="1-SAM"))
    assert np.abs(other[:5] - plain).max() > 1e-3


def test_the_radii_of_collapse_are_those_by_hand():
    f, _ = implicit_bias.problem("reference")
    products = f.y[:, None] * f.x
    one = max(abs(c) / s for c, s in zip(products.mean(0), (products**2).mean(0), strict=True))
    np.testing.assert_allclose(collapse_one_sam.radius("1-SAM", "max"), one, rtol=1e-14)
    np.testing.assert_allclose(collapse_one_sam.radius("n-SAM", "max"), 1 / np.abs(products.mean(0)).min())
    assert round(one, 4) == 0.6836 and round(collapse_one_sam.radius("n-SAM", "max")) == 332


def test_the_examples_of_the_jump_leave_the_first_residual_at_zero():
    x, y, u, v = normalised_sliding.example()
    assert x[0] @ (u * v) == y[0] and 0 < abs(x[1] @ (u * v) - y[1]) < 0.02


def test_the_extreme_sizes_contain_those_of_the_reference_problem():
    f, _ = one_sam_norm.solved("reference")
    low, high = one_sam_norm.interval(f, "1-SAM")
    assert low < 22.50554 / (2 * 30 * 0.3577657) < high
    low, high = one_sam_norm.interval(f, "n-SAM")
    assert low < 1.063683 / (2 * 30 / 20 * 0.3577657) < high


def test_every_method_has_its_cases():
    names = list(implicit_bias.cases())
    for row in ("effective_initialisation", "hyperbolic_form", "finite_time_minimiser"):
        for method in ("n-SAM", "1-SAM", "2-SAM"):
            assert any(name.startswith(f"{row}: {method}") for name in names), (row, method)
    assert {name.split(",")[0] for name in names if ":" not in name} >= {"n-SAM", "5-SAM", "1-SAM", "2-SAM"}
    sizes = {(case.fine.shape[1], case.coarse.shape[1]) for case in group_order.cases().values()}
    assert {(1, 2), (2, 10), (10, 20), (1, 5), (5, 10)} <= sizes


def test_every_row_of_these_files_has_its_cases():
    rows = [row for row in ledger.statements()[0] if row.paper == "af22" and row.checked]
    for module in (implicit_bias, one_sam_norm, collapse_one_sam, linear_interpolation):
        file = module.__name__
        owned = {row.key for row in rows if row.module == file}
        slugs = {name.partition(": ")[0] for name in module.cases() if ": " in name}
        assert owned - {file.rsplit(".", 1)[1]} <= slugs, file

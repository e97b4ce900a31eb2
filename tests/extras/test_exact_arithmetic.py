"""The spectral form against 256-bit arithmetic, at times up to 2^40."""

import flint
import numpy as np
import pytest
from flint import arb, arb_mat

from theory import sampling
from theory.expectation import pieces, spectral
from theory.problems.least_squares import least_squares, ridge

D = 10


@pytest.fixture(autouse=True)
def precision():
    before = flint.ctx.prec
    flint.ctx.prec = 256
    yield
    flint.ctx.prec = before


def exact(array):
    return arb_mat([[arb(float(x)) for x in row] for row in array])


def affine(atoms, gamma, rho):
    """The map on (1, m, s_ij for i <= j), from the same float64 atoms, and the row that reads tr(H S) / 2."""
    pairs = [(i, j) for i in range(D) for j in range(i, D)]
    size = 1 + D + len(pairs)
    matrix = [[arb(0)] * size for _ in range(size)]
    matrix[0][0] = arb(1)
    unit = exact(np.eye(D))
    weights = [arb(float(q)) for q in atoms.q]
    total = sum(weights, arb(0))  # 1 but for 2^-53, which 2^40 steps would feel
    for weight, h, s in zip(weights, np.asarray(atoms.h), np.asarray(atoms.s), strict=True):
        weight, h, s = weight / total, exact(h), exact(s[:, None])
        bent = arb(gamma) * (unit + arb(rho) * h)
        m, z = (unit - bent * h).table(), (-1 * (bent * s)).table()
        z = [row[0] for row in z]
        for i in range(D):
            matrix[1 + i][0] += weight * z[i]
            for k in range(D):
                matrix[1 + i][1 + k] += weight * m[i][k]
        for row, (i, j) in enumerate(pairs, 1 + D):
            matrix[row][0] += weight * z[i] * z[j]
            for k in range(D):
                matrix[row][1 + k] += weight * (m[i][k] * z[j] + z[i] * m[j][k])
            for column, (a, b) in enumerate(pairs, 1 + D):
                moved = m[i][a] * m[j][b] + (m[i][b] * m[j][a] if a != b else 0)
                matrix[row][column] += weight * moved
    whole = np.asarray(atoms.whole)
    read = [arb(0)] * (1 + D) + [arb(float(whole[i, j])) / (2 if i == j else 1) for i, j in pairs]
    return arb_mat(matrix), arb_mat([read])


def doubled(atoms, start, gamma, rho, powers):
    """E f(w_t) - f* at t = 2^k for the given k, by repeated squaring."""
    power, read = affine(atoms, gamma, rho)
    e = [arb(float(x)) for x in start]
    state = arb_mat([[x] for x in [arb(1), *e] + [e[i] * e[j] for i in range(D) for j in range(i, D)]])
    values = []
    for k in range(max(powers) + 1):
        if k in powers:
            value = (read * (power * state))[0, 0]
            assert value.rad() < abs(value.mid()) * arb(1e-20)
            values.append(float(value.mid()))
        if k < max(powers):
            power = power * power
    return values


def problem(noisy):
    rng = np.random.default_rng(0)
    a = rng.normal(size=(12, D)) / np.sqrt(D)
    return ridge(a, rng.normal(size=12), 0.01) if noisy else least_squares(a, a @ rng.normal(size=D))


@pytest.mark.parametrize("noisy", [True, False])
def test_the_spectral_form_is_right_to_1e_minus_10_at_every_time(noisy):
    f = problem(noisy)
    law = sampling.importance(f.smoothness_each)
    atoms, start, rho = pieces(f, law), np.linspace(-1, 2, D), 0.1 / f.smoothness
    fast = int(np.ceil(np.log2(20 * law.lipschitz(f.smoothness_each, f.smoothness) / (0.2 * f.pl))))
    # gamma mu t = 5 at the last time, and 20 with gamma at most 0.2 / ell
    for turns, powers in [(5, [0, 10, 20, 30, 40]), (20, [0, fast])]:
        gamma = turns / (f.pl * 2.0 ** powers[-1])
        found = spectral(f, law, start, gamma, rho).at([2**k for k in powers])
        np.testing.assert_allclose(found, doubled(atoms, start, gamma, rho, powers), rtol=1e-10)
        assert found[-1] < 0.5 * found[0]

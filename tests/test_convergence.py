"""Constants of the convergence of unnormalised SAM, and the problems it is tried on, against brute force."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from paper_checks.af22 import one_step, stochastic_nonconvex, stochastic_pl
from theory import expectation, sampling
from theory.bounds import af22
from theory.problems.logistic import logistic
from theory.problems.quadratic import Quadratic
from theory.problems.ripple import ripple, trap
from theory.problems.scale_free import pl_and_place, scale_free
from theory.problems.tanh_net import BEND, tanh_net
from theory.problems.tent import tent
from theory.update import look_ahead, look_ahead_apart

CLOSE = 1e-12  # some ten operations


# One step


def test_what_a_step_takes_off_and_adds_is_that_by_hand():
    # L = 2, gamma = 1/4, rho = 1/4: s = r = 1/2; G = 3, |E g+|^2 = 5
    np.testing.assert_allclose(af22.descent(2.0, 0.25, 0.25, 3.0, 5.0), (0.75 * 3 + 0.5 * 5) / 8, rtol=CLOSE)
    np.testing.assert_allclose(af22.floor(2.0, 0.25, 0.25), (0.25 + 0.5 * 2.25) / 8, rtol=CLOSE)
    np.testing.assert_allclose(af22.floor_pl(2.0, 0.125), 2 / 64 * (1.5 + 0.5), rtol=CLOSE)
    assert af22.contraction_pl(0.5, 0.25) == 0.09375
    assert af22.alignment(0.25) == (0.75, 1.25) and af22.alignment_convex(0.5, 0.25) == 1.125


def test_the_sharper_alignment_is_above_the_recalled_one_below_reach_2():
    reach = np.linspace(0, 3, 301)
    gain = af22.stochastic_alignment_sharper(reach, 1.7, 0.4) - af22.stochastic_alignment(reach, 1.7, 0.4)
    assert np.all(gain[(reach > 0.01) & (reach < 1.99)] > 0) and np.all(gain[reach > 2.01] < 0)


def test_with_the_mean_square_the_alignment_says_as_much_as_the_shift():
    """2 <h, grad L> = G + |h|^2 - |h - grad L|^2."""
    rng = np.random.default_rng(0)
    for h, g in rng.normal(size=(20, 2, 3)):
        reach, variance = rng.uniform(0, 1), rng.uniform(0, 2)
        spare = h @ g - af22.stochastic_alignment_sharper(reach, g @ g, variance, h @ h)
        room = af22.shift(reach, g @ g, variance) ** 2 - (h - g) @ (h - g)
        np.testing.assert_allclose(spare, room / 2, rtol=0, atol=1e-14)


def test_one_step_under_pl_follows_from_one_step_with_half_for_e():
    """|h|^2 >= (1 - e) 2 mu D - (1/e - 1) r^2 variance put into `descent`, at gamma L = s and r^2 = s."""
    for s in np.linspace(0.01, 0.5, 50):
        mu, e = 0.3, 0.5
        floor = af22.floor(1.0, s, s**0.5) + 0.5 * s * (1 - s) * (1 / e - 1) * s
        np.testing.assert_allclose(floor, af22.floor_pl(1.0, s), rtol=CLOSE)
        fall = af22.descent(1.0, s, s**0.5, 2 * mu, (1 - e) * 2 * mu)
        assert fall >= af22.contraction_pl(mu, s) * (1 - CLOSE)  # with equality at s = 1/2


# Full batch


def test_full_batch_rates_are_attained_on_a_parabola_and_are_those_of_descent_without_ascent():
    for r in (0.0, 0.3, 0.9):
        np.testing.assert_allclose(1 - af22.deterministic_rate(1.0, 1.0, 1.0, r), r**2, rtol=0, atol=1e-15)
        np.testing.assert_allclose(1 - af22.deterministic_rate_sharper(1.0, 1.0, 1.0, r), r**2, atol=1e-15)
    assert af22.deterministic_rate_sharper(0.2, 2.0, 0.25, 0.0) == 0.25 * 0.2 * 1.5
    np.testing.assert_allclose(af22.deterministic_mean(3.0, 2.0, 0.25, 0.25, 10), 6 / (0.25 * 0.75 * 10))


# Non-convex


def most(horizon, terms, gap, noise):
    """The largest sum of `terms` squares over T under D+ <= D - c G + N, 0 <= G <= 2 D: a linear program."""
    s = horizon**-0.5
    c, add = 0.5 * s * (1 - s), 0.5 * s * (s + s * (1 + s**0.5) ** 2) * noise
    # unknowns D_0 .. D_(terms - 1), G_0 .. G_(terms - 1)
    rows, right = [], []
    for t in range(terms):
        row = np.zeros(2 * terms)
        row[terms + t], row[t] = 1, -2
        rows.append(row)
        right.append(0.0)
    for t in range(terms - 1):
        row = np.zeros(2 * terms)
        row[t + 1], row[t], row[terms + t] = 1, -1, c
        rows.append(row)
        right.append(add)
    first = np.zeros((1, 2 * terms))
    first[0, 0] = 1
    worth = np.concatenate([np.zeros(terms), -np.ones(terms)])
    found = scipy.optimize.linprog(worth, np.array(rows), np.array(right), first, [gap])
    return -found.fun / horizon * np.sqrt(horizon)


@pytest.mark.parametrize("more", [0, 1])
def test_the_factors_of_the_nonconvex_bound_solve_the_linear_program(more):
    for horizon in (1, 2, 3, 5, 9, 30):
        of_gap, of_noise = af22.nonconvex_factors(horizon, horizon + more)
        np.testing.assert_allclose(most(horizon, horizon + more, 1.0, 0.0), of_gap, rtol=1e-9)
        np.testing.assert_allclose(most(horizon, horizon + more, 0.0, 1.0), of_noise, rtol=1e-9, atol=1e-9)


def test_the_constants_of_the_nonconvex_bound_serve_every_horizon():
    """Up to 130 as they stand, beyond by 2 / (1 - s) and (k / T) (1 + (1 + r)^2) / (1 - s), falling in T."""
    for more, constants in ((0, af22.NONCONVEX_SHARPER), (1, af22.NONCONVEX_INCLUSIVE)):
        factors = np.array([af22.nonconvex_factors(t, t + more) for t in range(1, 131)])
        assert np.all(factors <= np.array(constants) * (1 + CLOSE))
        t = np.geomspace(130, 1e9, 500)
        s, k = t**-0.5, (t + more) / t
        tail = np.array([2 / (1 - s), k * (1 + (1 + s**0.5) ** 2) / (1 - s)])
        assert np.all(tail <= np.array(constants)[:, None]) and np.all(np.diff(tail) < 0)
        assert np.all(np.array(constants) <= np.array(af22.NONCONVEX))
        for t, found in zip((6, 130), (factors[5], factors[129]), strict=True):
            s, k = t**-0.5, (t + more) / t
            assert np.all(found <= [2 / (1 - s), k * (1 + (1 + s**0.5) ** 2) / (1 - s)])
    assert af22.nonconvex_factors(1, 2) == (4, 5)
    np.testing.assert_allclose(af22.nonconvex_factors(10**6, 10**6), 2, atol=0.15)


def test_nonconvex_steps_and_bound_are_those_by_hand():
    assert af22.nonconvex_steps(2.0, 16) == (1 / 8, 1 / 4)
    assert af22.nonconvex(3.0, 2.0, 0.5, 16) == (4 * 2 * 3 + 8 * 0.5) / 4


# PL


def test_pl_steps_are_those_by_hand():
    gamma, rho = af22.pl_steps(2.0, 1.0, [0, 7])  # 4/3 and 60/192 against 1/4
    np.testing.assert_allclose(gamma, [0.25, 0.25], rtol=CLOSE)
    np.testing.assert_allclose(rho, np.sqrt([0.125, 0.125]), rtol=CLOSE)
    gamma, _ = af22.pl_steps(2.0, 1.0, np.arange(11, 100))
    t = np.arange(11, 100)
    np.testing.assert_allclose(1 - af22.contraction_pl(1.0, gamma), t**2 / (t + 1) ** 2, rtol=CLOSE)
    np.testing.assert_allclose(
        af22.pl_gap(2.0, 3.0, 0.5, 0.1, 4), 3 * 36 * 2 / 16 + 22 * 3 * 0.1 / (0.25 * 4)
    )


@pytest.mark.parametrize("condition", [1.0, 1.3, 3.0, 10.0, 77.7, 1000.0])
def test_the_constants_under_pl_bound_the_recursion_of_the_proof(condition):
    """The best e in every step: the factors of D_0 and of the variance, by running the two parts apart."""
    steps = int(60 * condition)
    gammas, rhos = af22.pl_steps(1.0, 1 / condition, np.arange(steps))
    gap, noise, of_gap, of_noise = 1.0, 0.0, [], []
    for t, (gamma, rho) in enumerate(zip(gammas, rhos, strict=True)):
        capped = gamma == 0.5
        e = 0.3 if capped else 0.5
        rate = gamma / condition * ((1 - gamma) * (2 - e) if capped else 0.75)
        add = af22.floor(1.0, gamma, rho) + 0.5 * gamma * (1 - gamma) * (1 / e - 1) * gamma
        gap, noise = (1 - rate) * gap, (1 - rate) * noise + add
        of_gap.append(gap * (t + 1) ** 2 / condition**2)
        of_noise.append(noise * (t + 1) / condition**2)
    assert max(of_gap) <= af22.PL_SHARPER[0] and max(of_noise) <= af22.PL_SHARPER[1]
    if condition >= 10:
        assert max(of_gap) > 2.86  # (4 / 0.85)^2 e^-2 in the limit
        assert 12.3 < max(of_noise) < 12.6  # 15.7 takes every step as long as the first
    assert af22.PL_SHARPER[1] < af22.PL[1] and (4 / 0.85) ** 2 * np.exp(-2) < 3
    assert 64 / 9 * (1.5 + 0.5**0.5) < 15.7


def test_the_shifted_point_is_the_zero_of_its_equation():
    h, c = np.array([1.0, 0.2, 0.6]), np.array([2.0, -1.0, 0.5])
    x = af22.shifted_point(h, c, 0.7)
    np.testing.assert_allclose(np.sum(h * (1 + 0.7 * h) * (x - c)), 0, atol=1e-15)
    np.testing.assert_allclose(af22.shifted_point(h, c, 0.0), np.sum(h * c) / np.sum(h))


# Problems


def curvatures(f, xs):
    """Second derivatives of every function along a line, (states, n)."""
    each = jax.jit(jax.vmap(lambda x: jax.hessian(f.losses)(x[None])[:, 0, 0]))
    return np.asarray(each(jnp.asarray(xs)))


def slopes(f, xs):
    return np.asarray(jax.jit(jax.vmap(lambda x: jax.jacrev(f.losses)(x[None])[:, 0]))(jnp.asarray(xs)))


@pytest.mark.parametrize(("depth", "pace"), [(0.3, 1.0), (0.9, 3.0), (0.6, 30.0), (0.0, 2.0)])
def test_scale_free_functions_have_the_slope_smoothness_and_pl_of_their_formulas(depth, pace):
    f = scale_free(depth, pace, 0.4)
    t = np.linspace(0, 2 * np.pi, 20001)
    x = np.exp((t - 0.4) / pace)
    slope = slopes(f, x)[:, 0]
    np.testing.assert_allclose(slope, x * (1 + depth * np.sin(t)), rtol=1e-11)
    np.testing.assert_allclose(np.max(np.abs(curvatures(f, x))), f.smoothness, rtol=1e-6)
    value = np.asarray(jax.jit(jax.vmap(lambda x: f.loss(x[None])))(jnp.asarray(x)))
    ratio = slope**2 / (2 * value)
    assert f.pl <= ratio.min() * (1 + 1e-11)
    np.testing.assert_allclose(ratio.min(), f.pl, rtol=1e-6)
    scale = np.exp(2 * np.pi / pace)
    again = np.asarray(jax.jit(jax.vmap(lambda x: f.loss(x[None])))(jnp.asarray(scale * x)))
    np.testing.assert_allclose(again, scale**2 * value, rtol=1e-11)


def test_pl_of_a_scale_free_function_is_attained_where_it_says():
    pl, t = pl_and_place(0.7, 5.0)
    x = np.array([np.exp(t / 5)])
    f = scale_free(0.7, 5.0, 0.0)
    value, slope = jax.value_and_grad(f.loss)(jnp.asarray(x))
    np.testing.assert_allclose(slope[0] ** 2 / (2 * value), pl, rtol=1e-12)


def test_a_scale_free_function_and_its_slope_are_0_at_0():
    value, slope = jax.value_and_grad(scale_free(0.5, 4.0, 1.0).loss)(jnp.zeros(1))
    assert value == 0 and slope[0] == 0


NET = tanh_net([[-1.5, 0.2], [0.7, 1.0], [1.3, -0.5]], [0.3, -0.9, 0.5], [1.0, -1.0, 0.5])


def test_losses_of_the_net_are_those_by_hand():
    f = tanh_net([[1.0], [2.0]], [0.5, 0.0], [1.0, -2.0])
    w = np.array([np.arctanh(0.5), np.arctanh(0.25)])
    np.testing.assert_allclose(f.losses(w)[0], 0.5 * (0.5 - 0.5 - 0.5) ** 2, rtol=1e-15)
    np.testing.assert_allclose(f.losses(w)[1], 0.5 * (np.tanh(2 * w[0]) - 2 * np.tanh(2 * w[1])) ** 2)


def test_constants_of_the_net_bound_hessians_and_variances():
    states = np.random.default_rng(0).normal(size=(300, 6)) * np.geomspace(0.01, 3, 300)[:, None]
    hessians = np.asarray(jax.jit(jax.vmap(jax.hessian(NET.losses)))(states))
    tops = np.max(np.abs(np.linalg.eigvalsh(hessians)), axis=2)
    assert np.all(tops <= NET.smoothness_each) and np.all(np.max(tops, axis=0) > NET.smoothness_each / 6)
    each = np.asarray(jax.jit(jax.vmap(jax.jacrev(NET.losses)))(states))
    variances = np.mean(np.sum((each - each.mean(1, keepdims=True)) ** 2, axis=2), axis=1)
    assert np.max(variances) <= NET.variance
    x = np.linspace(-3, 3, 100001)
    np.testing.assert_allclose(np.max(np.abs(2 * np.tanh(x) * (1 - np.tanh(x) ** 2))), BEND, rtol=1e-8)
    assert np.mean(NET.smoothness_each) == NET.smoothness and NET.below == 0


def test_a_net_has_no_pl_constant_and_says_what_to_use():
    with pytest.raises(ValueError, match="no PL constant.*use the bounds that need none"):
        _ = NET.pl


@pytest.mark.parametrize("rho", [0.1, 0.5, 2.0])
def test_neither_draw_leaves_the_trap_and_two_batches_do(rho):
    f = trap(rho)
    rule = jax.value_and_grad(f.loss)
    atoms = sampling.uniform(2).atoms()
    one, apart = look_ahead(rule, rho, 0), look_ahead_apart(rule, rho, 0)
    stay = jax.jit(jax.vmap(lambda *draw: one(jnp.ones(1), *draw)[1]))
    np.testing.assert_allclose(stay(*atoms[:2]), 0, atol=1e-14)
    *draws, q = expectation.pairs(atoms)
    found = jax.jit(jax.vmap(lambda *draw: apart(jnp.ones(1), *draw)[1]))(*draws)
    np.testing.assert_allclose(q @ found, 1 + rho, rtol=1e-13)  # (0 + 2 + 0 + 2 (1 + 2 rho)) / 4


@pytest.mark.parametrize("f", [trap(0.3), ripple(7.0)], ids=["trap", "ripple"])
def test_constants_of_trap_and_ripple_are_attained(f):
    x = np.linspace(-8, 8, 200001)
    bends, each = curvatures(f, x), slopes(f, x)
    np.testing.assert_allclose(np.max(np.abs(bends), axis=0), f.smoothness_each, rtol=1e-6)
    np.testing.assert_allclose(bends.mean(1), f.smoothness, rtol=1e-12)
    np.testing.assert_allclose(np.max(np.var(each, axis=1)), f.variance, rtol=1e-6)
    np.testing.assert_allclose(each.mean(1), x, rtol=0, atol=1e-13)


def test_the_tent_has_its_slopes():
    f = tent(0.4, 1.5)
    x = np.linspace(-2, 2, 101)
    np.testing.assert_allclose(slopes(f, x), (0.4 - np.abs(x))[:, None] + [-1.5, 1.5], atol=1e-14)
    assert f.variance == 2.25 and f.smoothness == 1 and np.all(f.smoothness_each == 1)


def test_the_variance_of_logistic_gradients_is_bounded_and_nearly_attained():
    f = logistic([[1.0, 2.0], [-1.0, -2.0], [0.5, 1.0], [-0.5, -1.0]], [1.0, 1.0, 1.0, 1.0], 0.1)
    w = np.array([[30.0, 60.0], [0.1, -0.2], [1.0, 0.0]])
    each = np.asarray(jax.jit(jax.vmap(jax.jacrev(f.losses)))(w))
    variances = np.mean(np.sum((each - each.mean(1, keepdims=True)) ** 2, axis=2), axis=1)
    assert np.max(variances) <= f.variance == 3.125
    wide = logistic(
        [[1.0], [-1.0], [1.0], [-1.0]], [-1.0, -1.0, -1.0, -1.0], 0.1
    )  # half are wrong, either way
    assert np.var(np.asarray(jax.jacrev(wide.losses)(np.array([40.0])))) > 0.24 * wide.variance


REFUSED = {
    "depth": (lambda: scale_free(1.0, 2.0, 0.0), r"depth must lie in \[0, 1\).*got 1"),
    "pace": (lambda: scale_free(0.5, -1.0, 0.0), "pace must not be negative; got -1"),
    "phase": (lambda: scale_free(0.5, 1.0, np.nan), "phase must be finite"),
    "net": (lambda: tanh_net([[1.0]], [1.0, 2.0], [1.0]), r"got shapes \(1, 1\), \(2,\), \(1,\)"),
    "trap": (lambda: trap(0.0), "radius rho must be positive; got 0"),
    "ripple": (lambda: ripple(-2.0), "pace must be positive; got -2"),
    "tent": (lambda: tent(2.0, 1.0), r"slope must lie in \[0, noise\)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_factory_refuses_what_is_no_problem_naming_the_value(case):
    make, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        make()


# The checks


@pytest.mark.parametrize("two", [False, True])
def test_single_draws_of_narrower_centres_have_the_moments_of_a_batch(two):
    """With one Hessian: against the draws of two out of four."""
    f = one_step.shared_hessian(10.0)
    _, atoms, _, _, variance = stochastic_nonconvex.of_moments(10.0, 2, two)
    batches = (expectation.apart if two else expectation.pieces)(f, sampling.draws(np.full(4, 0.25), 2))
    start = np.array([1.0, -2.0, 0.5])
    curve = jax.jit(lambda atoms: expectation.recursion(atoms, start, 0.4, 0.6, 20))
    np.testing.assert_allclose(curve(atoms), curve(batches), rtol=1e-12)
    np.testing.assert_allclose(variance, np.mean(np.sum(f.linear**2, axis=1)) / 2, rtol=1e-12)


@pytest.mark.parametrize("reach", [0.2, 0.5, 0.9])
def test_reflections_are_smooth_and_turn_the_mean_gradient_to_zero(reach):
    f = one_step.reflections(reach)
    assert isinstance(f, Quadratic)
    np.testing.assert_allclose(np.abs(np.linalg.eigvalsh(f.hessians)), 1, rtol=1e-13)
    rule = look_ahead(jax.value_and_grad(f.loss), reach, 0)
    atoms = sampling.uniform(4).atoms()
    found = jax.jit(jax.vmap(lambda *draw: rule(jnp.zeros(3), *draw)[1]))(*atoms[:2])
    np.testing.assert_allclose(np.mean(found, axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(np.mean(f.linear, axis=0), [-reach / np.sqrt(1 - reach**2), 0, 0], atol=1e-14)


def test_the_largest_variance_that_two_curvatures_meet_is_that_of_a_fine_grid():
    f, start, h, variance = stochastic_pl.two_curvatures()
    centres = f.linear[:, 0] / h
    low, high = centres.min(), centres.max()
    w = np.linspace(low, high, 1001)
    seen = np.concatenate([w, w + stochastic_pl.RADIUS * h.mean() * w])
    np.testing.assert_allclose(
        np.max(np.var(h[:, None] * (seen - centres[:, None]), axis=0)), variance, rtol=1e-12
    )
    assert low <= start[0] <= high


def test_the_state_of_a_function_that_is_not_pl_is_that_of_plain_arithmetic():
    gaps = stochastic_pl.not_pl()[0]
    assert len(gaps) == 201 and 86 < gaps[-1] < 88 and np.all(np.diff(gaps) < 0)
    assert gaps[-1] > 1e4 * af22.pl_gap(gaps[0], 1.0, 1.0, 0.0, 200)

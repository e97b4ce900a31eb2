"""The public notebook's runs by plain loops, and the moves of the sweeps by the rule of theory/update.py."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory.descent import iterate, still
from theory.problems import diagonal, notebook
from theory.problems.notebook import Setting
from theory.update import in_groups, look_ahead

GAMMA, RHO, LENGTH = 0.2, 0.3, 60


@pytest.fixture(scope="module")
def f():
    """The public regression; its arrays are JAX's, so that the moves may be compiled."""
    return diagonal.Diagonal(*map(jnp.asarray, diagonal.reference(0).train))


@pytest.fixture(scope="module")
def weights(f):
    """A state whose residuals are not small."""
    random = np.random.default_rng(1)
    return tuple(jnp.asarray(0.3 * random.standard_normal(f.x.shape[1])) for _ in range(2))


def looped(setting, steps, draws=()):
    """The notebook's run written out: one example after the other, one coordinate vector each."""
    f = diagonal.reference(0).train
    u, v = np.full(f.x.shape[1], setting.u0), np.zeros(f.x.shape[1])
    for t in range(steps):
        if setting.method == "sgd":
            terms, scale = [(f.x[draws[t]], f.y[draws[t]], 0.0)], 1
        elif setting.method == "1sam":  # ascends on r^2
            terms, scale = [(x, y, 2 * setting.rho) for x, y in zip(f.x, f.y, strict=True)], f.n
        else:
            terms, scale = [(f.x, f.y, setting.rho / f.n if setting.method == "nsam" else 0.0)], f.n
        du, dv = 0.0, 0.0
        for x, y, radius in terms:
            g = x.T * (x @ (u * v) - y) if x.ndim == 1 else x.T @ (x @ (u * v) - y)
            a, b = u + radius * g * v, v + radius * g * u
            g = x.T * (x @ (a * b) - y) if x.ndim == 1 else x.T @ (x @ (a * b) - y)
            du, dv = du + g * b / scale, dv + g * a / scale
        u, v = u - setting.gamma * du, v - setting.gamma * dv
    return u, v


# The notebook


def test_the_batched_runs_are_those_of_plain_loops():
    settings = [
        Setting("gd", 0.3, 0.1),
        Setting("1sam", 0.2, 0.1, 0.1),
        Setting("nsam", 0.2, 0.2, 0.3),
        Setting("1sam", 0.3, 0.05, 0.05),
        Setting("gd", 0.1, 0.2),
    ]
    _, u, v = notebook.finals(settings, LENGTH)
    for each, *found in zip(settings, u, v, strict=True):
        np.testing.assert_allclose(found, looped(each, LENGTH), rtol=1e-12, atol=1e-15)


def test_a_run_in_a_batch_has_the_bits_of_the_run_alone():
    settings = [
        Setting(method, 0.2, 0.1, rho) for method in ("gd", "nsam", "1sam", "sgd") for rho in (0.1, 0.2)
    ]
    together = notebook.losses(settings, LENGTH)
    assert together.tolist() == [notebook.losses([each], LENGTH)[0] for each in settings]


def test_the_examples_of_a_stochastic_run_are_drawn_one_by_one_after_the_others():
    _, random = notebook.drawn(0)
    for _ in range(7):
        random.randint(20)
    draws = [random.randint(20) for _ in range(LENGTH)]
    setting = Setting("sgd", 0.1, 0.1, discarded=7)
    _, u, v = notebook.finals([setting], LENGTH)
    np.testing.assert_allclose((u[0], v[0]), looped(setting, LENGTH, draws), rtol=1e-12, atol=1e-15)


def test_the_second_part_goes_on_from_the_first_with_its_own_radius():
    parts = Setting("1sam", 0.2, 0.1, 0.1, then="nsam", then_rho=0.3)
    regression, u, v = notebook.finals([parts._replace(then="")], LENGTH)
    u, v = notebook.moved(regression.train, "nsam", u, v, 0.2, 0.3, LENGTH)
    assert notebook.losses([parts], LENGTH) == notebook.test_losses(regression, u, v)
    once = Setting("sgd", 0.1, 0.1, then="sgd", discarded=3)
    assert notebook.losses([once], LENGTH) == notebook.losses([once._replace(then="")], 2 * LENGTH)


def test_the_notebook_has_39_rows_and_one_of_them_diverges():
    rows = notebook.rows()
    assert list(rows) == list(range(1, 40))
    assert [k for k, row in rows.items() if np.isnan(row.loss)] == [34]
    assert {k for k, row in rows.items() if row.setting.method == "sgd"} == {13, 14}
    assert rows[14].setting.discarded - rows[13].setting.discarded == 10_001  # the run before it


# Moves of the sweeps


def by_rule(f, w, groups, rho, lam):
    """One step of theory/update.py in groups."""

    def value(w, i):
        return f.loss(w, i, f.n / groups.shape[1])

    grad = in_groups(look_ahead(jax.value_and_grad(value), rho, lam))(w, groups)[1]
    return [x - GAMMA * g for x, g in zip(w, grad, strict=True)]


def test_the_closed_forms_are_steps_of_the_rule(f, weights):
    for move, m in ((diagonal.one_sam(f), 1), (diagonal.n_sam(f), f.n)):
        expected = by_rule(f, weights, diagonal.groups(f.n, m), RHO, 0.0)
        np.testing.assert_allclose(move(weights, GAMMA, RHO, 0), expected, rtol=1e-12, atol=1e-14)
        off = by_rule(f, weights, diagonal.groups(f.n, m), RHO / 2, 0.0)
        assert np.max(np.abs(np.subtract(off, expected))) > 1e-3  # a radius without its factor would not pass


@pytest.mark.parametrize("m", [1, 5, 20])
@pytest.mark.parametrize("lam", [0, 0.5, 1])
def test_multiplied_steps_are_steps_of_the_rule_in_other_coordinates(f, weights, m, lam):
    u, v = weights
    groups = diagonal.groups(f.n, m)
    plus, minus = diagonal.multiplied(diagonal.m_sam_rates(f, groups))((u + v, u - v), GAMMA, RHO, lam)
    expected = by_rule(f, weights, groups, RHO, lam)
    np.testing.assert_allclose(((plus + minus) / 2, (plus - minus) / 2), expected, rtol=1e-12, atol=1e-14)


def test_both_rates_of_1_sam_are_the_same(f, weights):
    one, groups = diagonal.one_sam_rates(f), diagonal.m_sam_rates(f, diagonal.groups(f.n, 1))
    np.testing.assert_allclose(one(*weights, RHO, 0), groups(*weights, RHO, 0), rtol=1e-12, atol=1e-14)


def test_a_stochastic_step_multiplied_is_the_plain_one(f, weights):
    u, v = weights
    move = diagonal.multiplied(diagonal.one_example_rates(f))
    plus, minus = move((u + v, u - v), GAMMA, 0.0, 0, 3)
    expected = diagonal.sgd_step(diagonal.reference(0).train, np.asarray(u), np.asarray(v), GAMMA, 3)
    np.testing.assert_allclose(((plus + minus) / 2, (plus - minus) / 2), expected, rtol=1e-12, atol=1e-14)


def test_where_the_gradient_vanishes_a_normalised_step_rests(f):
    zero = (jnp.zeros(f.x.shape[1]),) * 2
    move = diagonal.multiplied(diagonal.m_sam_rates(f, diagonal.groups(f.n, f.n)))
    assert np.all(np.asarray(move(zero, GAMMA, RHO, 1)) == 0)


def test_a_long_run_in_either_coordinates_is_that_of_the_notebook(f):
    _, u, v = notebook.finals([Setting("1sam", GAMMA, 0.1, RHO / 2)], LENGTH)
    start = jnp.full(f.x.shape[1], 0.1)
    moves = {
        "u, v": (diagonal.one_sam(f), (start, 0 * start)),
        "plus, minus": (diagonal.multiplied(diagonal.one_sam_rates(f)), (start, start)),
    }
    for name, (move, w) in moves.items():
        run = partial(iterate, move, gamma=GAMMA, rho=RHO, lam=0.0, draws=(still(LENGTH),), observe=jnp.stack)
        a, b = run(w, every=LENGTH)[1]
        found = (a, b) if name == "u, v" else ((a + b) / 2, (a - b) / 2)
        np.testing.assert_allclose(found, (u[0], v[0]), rtol=1e-11, atol=1e-13)

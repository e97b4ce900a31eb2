"""The experiments of f21 on small nets and quadratics, by loops, dense algebra and brute force."""

from math import inf

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import f21_inner, f21_m_sharpness, f21_norms, f21_second_order, f21_two_step
from theory.update import step


@pytest.fixture(scope="module")
def tables():
    modules = (f21_inner, f21_second_order, f21_norms, f21_m_sharpness, f21_two_step)
    return {module: module.run(**module.QUICK) for module in modules}  # the shapes of the other quick runs


def test_the_three_methods_are_loops_of_steps_and_descents_of_the_perturbed_loss(tables):
    table = tables[f21_second_order]
    net = f21_second_order.regression([0, 0], 4, 6, 60, 0.5)
    f, rho = net.train.loss, 0.1

    def perturbed(w):
        g = jax.grad(f)(w)
        return f(w + rho * g / jnp.linalg.norm(g))

    slope, whole, hessian = jax.jit(jax.grad(f)), jax.jit(jax.grad(perturbed)), jax.jit(jax.hessian(f))
    for method, move in {
        "GD": jax.jit(lambda w: step(jax.value_and_grad(f), w, 0.1, 0.0, 1.0)),
        "SAM": jax.jit(lambda w: step(jax.value_and_grad(f), w, 0.1, rho, 1.0)),
        "SAM, whole gradient": lambda w: w - 0.1 * whole(w),
    }.items():
        w = net.start
        for _ in range(12):
            w = move(w)
        rows = table[(table.method == method) & (table.kind == "net") & (table.seed == 0)].set_index("step")
        np.testing.assert_allclose(rows.train[12], f(w), rtol=1e-10)
        np.testing.assert_allclose(rows.test[12], net.test.loss(w), rtol=1e-10)
        h = np.asarray(hessian(w))
        np.testing.assert_allclose(rows.top[12], np.linalg.eigvalsh(h)[-1], rtol=1e-9)
        g = np.asarray(slope(w))
        u = g / np.linalg.norm(g)
        across = np.eye(24) - np.outer(u, u)
        v = np.asarray(slope(w + rho * u))
        term = rho / np.linalg.norm(g) * h @ across @ v
        np.testing.assert_allclose(rows.kappa[12], rho * np.linalg.norm(across @ h @ u) / np.linalg.norm(g))
        np.testing.assert_allclose(rows.share[12], np.linalg.norm(term) / np.linalg.norm(v), rtol=1e-9)
        cosine = v @ (v + term) / np.linalg.norm(v) / np.linalg.norm(v + term)
        np.testing.assert_allclose(rows.cosine[12], cosine, rtol=1e-9)


def test_the_radii_of_the_norms_gain_the_same_to_first_order_and_their_curvatures_are_as_listed(tables):
    table = tables[f21_norms]
    net = f21_second_order.regression([0, 0], 3, 4, 40, 0.5)
    rule = jax.value_and_grad(net.train.loss)
    g = np.asarray(rule(net.start)[1])
    radius = table.groupby("method").radius.first()
    gains = [radius["p = 1"] * np.abs(g).max(), radius["p = inf"] * np.abs(g).sum()]
    np.testing.assert_allclose(gains, radius["p = 2"] * np.linalg.norm(g), rtol=1e-12)
    move = jax.jit(lambda w: w - 0.1 * rule(w + radius["p = inf"] * jnp.sign(rule(w)[1]))[1])
    w = net.start
    for _ in range(6):
        w = move(w)
    rows = np.asarray(jax.jit(jax.jacrev(net.train.residuals))(w))
    h = rows.T @ rows / 40
    signs = 1 - 2 * (np.arange(2**12)[:, None] >> np.arange(12) & 1)
    last = table[(table.method == "p = inf") & (table.step == 6)].iloc[0]
    expected = h.diagonal().max(), np.linalg.eigvalsh(h)[-1], np.einsum("si,ij,sj->s", signs, h, signs).max()
    np.testing.assert_allclose([last[f"curvature {p:g}"] for p in (1, 2, inf)], expected, rtol=1e-9)


def test_broken_orders_of_pairs_are_counted_one_by_one(tables):
    table = tables[f21_m_sharpness]
    rng = np.random.default_rng(0)
    g, h = rng.standard_normal((100, 2, 2)), 3 * rng.standard_normal((100, 2, 2, 2))
    h = (h + np.swapaxes(h, 2, 3)) / 2
    for rho in (1.0, 10.0):
        count = 0
        for slopes, bends in zip(g, h, strict=True):

            def rise(slope, bend, rho=rho):
                e = rho * slope / np.linalg.norm(slope)
                return slope @ e + e @ bend @ e / 2

            apart = (rise(slopes[0], bends[0]) + rise(slopes[1], bends[1])) / 2
            count += apart < rise(slopes.mean(0), bends.mean(0))
        row = table[(table.kind == "pairs") & (table.rho == rho)].iloc[0]
        assert (row.failed, row.exact_failed, row.draws) == (count, 0, 100)


def test_groups_are_those_of_the_data_in_order_and_the_maximum_lies_in_its_bracket(tables):
    table = tables[f21_m_sharpness]
    net = f21_second_order.regression([0, 0], 3, 4, 24, 0.5)
    f, w = net.train, net.start
    move = jax.jit(lambda w: step(jax.value_and_grad(f.loss), w, 0.1, 0.1, 1.0))
    for _ in range(100):
        w = move(w)
    rows = table[table.method == "SAM"].set_index("m")
    assert list(rows.index) == [1, 2, 3, 4, 6, 8, 12, 24]
    directions = np.random.default_rng(1).standard_normal((2000, len(w)))
    directions *= 0.05 / np.linalg.norm(directions, axis=1, keepdims=True)
    losses = jax.jit(jax.vmap(f.losses))
    tried = np.asarray(losses(np.asarray(w) + directions)) - np.asarray(f.losses(w))
    each = jax.jit(jax.jacrev(f.losses))(w)
    for m in (1, 8, 24):
        slopes = np.asarray(each).reshape(24 // m, m, -1).mean(1)
        lengths = np.linalg.norm(slopes, axis=1, keepdims=True)
        np.testing.assert_allclose(rows.linear[m], 0.05 * lengths.mean(), rtol=1e-9)
        ahead = (
            np.asarray(losses(np.asarray(w) + 0.05 * slopes / lengths)) - np.asarray(f.losses(w))
        ).reshape(24 // m, 24 // m, m)
        one = np.mean([ahead[s, s].mean() for s in range(24 // m)])
        np.testing.assert_allclose(rows["one step"][m], one, rtol=1e-9)
        sampled = tried.reshape(2000, 24 // m, m).mean(2).max(0).mean()
        assert max(one, sampled) <= rows.lower[m] * (1 + 1e-12) and rows.lower[m] < rows.upper[m]


def test_the_first_move_on_the_valley_by_hand(tables):
    """f = (1 + x^2) y^2 / 2, slope (x y^2, (1 + x^2) y)."""
    paths = tables[f21_two_step]
    first, second = paths[(paths.kind == "path") & (paths.method == "SAM")].iloc[:2].itertuples()
    a = np.array([1.6, 0.5])

    def slope(w):
        return np.array([w[0] * w[1] ** 2, (1 + w[0] ** 2) * w[1]])

    b = a + 0.3 * slope(a) / np.linalg.norm(slope(a))
    np.testing.assert_allclose([first.x, first.y, first.ahead_x, first.ahead_y], [*a, *b], rtol=1e-14)
    np.testing.assert_allclose([second.x, second.y], a - 0.25 * slope(b), rtol=1e-13)
    np.testing.assert_allclose(first.loss, 3.56 * 0.25 / 2, rtol=1e-14)


def test_rises_of_the_net_and_bounds_of_the_inner_maximum(tables):
    table = tables[f21_inner]
    assert np.all(table["first"] <= table.lower * (1 + 1e-12)) and np.all(table.lower <= table.upper)
    quadratics = table[table.kind != "net"]
    assert np.all(quadratics.lower == quadratics.upper)
    net = f21_second_order.regression([0, 0], 2, 4, 20, 0.5)
    points = np.random.default_rng(0).standard_normal((7, 8))
    w = np.asarray(net.start)
    expected = [float(net.train.loss(w + v) - net.train.loss(w)) for v in points]
    np.testing.assert_allclose(f21_inner.rises(net.train, w, points), expected, rtol=1e-10, atol=1e-12)


def test_every_verdict_names_its_controls(tables):
    for module, table in tables.items():
        if module is f21_inner:  # it claims nothing that the checks do not
            continue
        for name, found in module.verdicts(table).items():
            assert found["controls"], (module.__name__, name)
            assert set(found) >= {"measured", "bound"}

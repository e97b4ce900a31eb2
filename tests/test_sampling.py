"""Every law against the sum over its support, and what the factories refuse."""

from functools import partial
from math import comb

import jax
import numpy as np
import pytest
import scipy.stats

from theory import sampling
from theory.problems.least_squares import least_squares
from theory.sampling import support
from theory.update import step

N = 4
Q = np.array([0.1, 0.2, 0.3, 0.4])
TAKEN = np.array([0.3, 0.5, 0.9, 1.0])
EACH = np.array([1.0, 2.0, 4.0, 5.0])
EQUAL = np.full(N, 1 / N)


def own_law(seed, atoms):
    """Entries of either sign, the first two opposed, some zero; one draw impossible."""
    rng = np.random.default_rng(seed)
    q = np.append(rng.dirichlet(np.ones(atoms - 1)) * 0.8, 0.2)
    q[0], q[1] = 0.0, q[0] + q[1]
    v = rng.normal(1, 2, (atoms, N))
    v[:, 0] = np.where(np.arange(atoms) % 2, 4, -2)
    v[:, 1] = 2 - v[:, 0] + 0.1 * rng.normal(size=atoms)
    v[:, 2:] *= rng.random((atoms, 2)) < 0.6
    v[-1] = (1 - q[:-1] @ v[:-1]) / q[-1]
    return sampling.listed(v, q)


# Made within each test, not when this file is read: a wrong factory then fails the tests that call it.
NAMED = {
    "single": lambda: sampling.single(Q),
    "uniform": lambda: sampling.uniform(N),
    "importance": lambda: sampling.importance(EACH),
    "2-nice": lambda: sampling.nice(N, 2),
    "3-nice": lambda: sampling.nice(N, 3),
    "4-nice of 4": lambda: sampling.nice(N, N),
    "1-nice of 1": lambda: sampling.nice(1, 1),
    "1 draw": lambda: sampling.draws(Q, 1),
    "3 draws": lambda: sampling.draws(Q, 3),
    "independent": lambda: sampling.independent(TAKEN),
    "independent, all certain": lambda: sampling.independent(np.ones(N)),
    "full": lambda: sampling.full(N),
}
OWN = {f"own {seed}": partial(own_law, seed, atoms) for seed, atoms in enumerate([4, 5, 7, 9])} | {
    # every correlation is 0 or 2
    "opposed": lambda: sampling.listed([[2, 0, 0, 2], [0, 2, 2, 0]], [0.5, 0.5]),
    "of 1": lambda: sampling.listed([[0.5], [1.5]], [0.5, 0.5]),
    # all at once or none
    "skipped": lambda: sampling.listed([[10.0] * N, [0.0] * N], [0.1, 0.9]),
}
LAWS = NAMED | OWN


def across_and_extra(law):
    across, extra = law.moment
    return across * np.ones((law.n, law.n)) + np.diag(extra)


def second_moment(law):
    v, q = support(law)
    return (v.T * q) @ v


def dense(n, indices, weights):
    v = np.zeros((len(indices), n))
    np.add.at(v, (np.arange(len(indices))[:, None], np.asarray(indices)), np.asarray(weights))
    return v


# Moments

# Sums over at most 16 atoms of entries up to 100
ROUNDING = 1e-13


@pytest.mark.parametrize("name", LAWS)
def test_probabilities_sum_to_one_and_v_has_mean_one(name):
    v, q = support(LAWS[name]())
    assert np.all(q >= 0)
    np.testing.assert_allclose(q.sum(), 1, rtol=ROUNDING)
    np.testing.assert_allclose(q @ v, 1, rtol=ROUNDING)


@pytest.mark.parametrize("name", NAMED)
def test_the_moment_of_a_named_law_is_that_of_its_support(name):
    law = LAWS[name]()
    np.testing.assert_allclose(across_and_extra(law), second_moment(law), rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("name", OWN)
def test_the_moment_of_a_law_of_ones_own_is_above_that_of_its_support(name):
    law = LAWS[name]()
    across, extra = law.moment
    assert across >= 0 and np.all(extra >= 0)
    second = second_moment(law)
    assert np.linalg.eigvalsh(across_and_extra(law) - second)[0] >= -ROUNDING * np.max(second)


def test_rounding_of_a_mean_is_admitted_in_proportion_to_the_entries():
    sampling.listed([[1 + 1.5e-12]], [1])  # 1e-12 (1 + E|v|)
    sampling.listed([[1e6], [2 - 1e6 + 1e-6]], [0.5, 0.5])


def test_draws_of_a_listed_law_are_as_short_as_they_can_be_and_in_order():
    v = np.zeros((2, 60))
    v[0, ::2], v[1, 1::2] = 2, 2
    v[0, 10] = v[1, 11] = 0
    v[:, 10:12] = 1
    law = sampling.listed(v, [0.5, 0.5])
    assert law.indices.shape == (2, 31)
    np.testing.assert_array_equal(law.indices[0], np.flatnonzero(v[0]))
    np.testing.assert_array_equal(law.weights[1], v[1, v[1] != 0])
    assert sampling.listed(*support(sampling.single(Q))).indices.shape == (N, 1)


def test_laws_of_ones_own_have_negative_correlations_and_negative_entries():
    for seed in range(4):
        v, q = support(OWN[f"own {seed}"]())
        assert np.min(v[q > 0]) < 0 and np.min(second_moment(OWN[f"own {seed}"]())) < 0


def test_a_listed_law_with_equal_correlations_has_their_moment():
    """So a named law, listed, loses nothing."""
    named = [LAWS[name]() for name in ("single", "2-nice", "3 draws", "independent")]
    for same in [*named, sampling.draws([0.5, 0.5], 3)]:
        law = sampling.listed(*support(same))
        np.testing.assert_allclose(across_and_extra(law), second_moment(law), rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize(
    ("name", "across", "extra"),
    [
        ("uniform", 0, [4, 4, 4, 4]),
        ("importance", 0, [12, 6, 3, 2.4]),
        ("2-nice", 2 / 3, [4 / 3] * 4),  # n (tau - 1) / (tau (n - 1)) = 4 / 6, and n / tau - that
        ("4-nice of 4", 1, [0] * 4),
        ("3 draws", 2 / 3, [10 / 3, 5 / 3, 10 / 9, 5 / 6]),
        ("independent", 1, [7 / 3, 1, 1 / 9, 0]),
        ("full", 1, [0] * 4),
    ],
)
def test_moments_are_those_by_hand(name, across, extra):
    found = LAWS[name]().moment
    np.testing.assert_allclose(found[0], across, rtol=1e-15)
    np.testing.assert_allclose(found[1], extra, rtol=1e-14, atol=1e-15)


def test_the_support_has_every_draw():
    sizes = {"single": N, "2-nice": comb(4, 2), "3 draws": comb(6, 3), "independent": 2**3, "full": 1}
    for name, size in sizes.items():
        v, _ = support(LAWS[name]())
        assert len(v) == size == len(np.unique(v, axis=0))


def test_many_draws_from_two_are_binomial():
    law = sampling.draws([0.3, 0.7], 30)  # 30! is beyond the integers of 64 bits
    v, q = support(law)
    times = 30 * 0.3 * v[:, 0]
    np.testing.assert_allclose(np.sort(times), np.arange(31), rtol=1e-14)
    np.testing.assert_allclose(q, scipy.stats.binom.pmf(np.round(times), 30, 0.3), rtol=1e-12)


@pytest.mark.parametrize(
    ("law", "entries"),
    [
        (lambda: sampling.nice(5, 2), 10 * 5),
        (lambda: sampling.draws(EQUAL, 3), 20 * 4),
        (lambda: sampling.draws([0.5, 0.5], 3), 4 * 3),
        (lambda: sampling.independent([0.5] * 3), 8 * 3),
    ],
    ids=["2 of 5", "3 from 4", "3 from 2", "3, independent"],
)
def test_a_support_is_listed_up_to_the_limit_and_not_beyond(monkeypatch, law, entries):
    monkeypatch.setattr(sampling, "LISTED", entries)
    law().atoms()
    monkeypatch.setattr(sampling, "LISTED", entries - 1)
    with pytest.raises(ValueError, match="too large to list"):
        law().atoms()


# Lipschitz constants


def curved(seed, name):
    """Hessians H_i of a random sum, of low rank so that no two share a top eigenvector."""
    n = LAWS[name]().n
    factors = np.random.default_rng(seed).normal(size=(n, 3, 2))
    return factors @ np.swapaxes(factors, 1, 2)


def largest(name, hessians):
    """sup_v Lip(grad f_v), from dense eigenvalues; v may be negative."""
    v, q = support(LAWS[name]())
    sampled = np.tensordot(v[q > 0], hessians, 1) / LAWS[name]().n
    return np.max(np.abs(np.linalg.eigvalsh(sampled)))


@pytest.mark.parametrize("name", LAWS)
def test_lipschitz_is_at_least_that_of_every_draw(name):
    for seed in range(5):
        hessians = curved(seed, name)
        each, whole = np.linalg.eigvalsh(hessians)[:, -1], np.linalg.eigvalsh(hessians.mean(0))[-1]
        assert LAWS[name]().lipschitz(each, whole) >= largest(name, hessians) * (1 - ROUNDING)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("single", 10 / 3),  # 4 / (4 * 0.3); the others give 2.5, 2.5 and 3.125
        ("uniform", 5),
        ("importance", 3),  # the mean
        ("2-nice", 4.5),  # the mean of the two largest
        ("3 draws", 10 / 3),
        ("independent", (1 / 0.3 + 4 + 4 / 0.9 + 5) / 4),
        ("opposed", 3),  # both draws have mean v_i L_i = 12 / 4
        ("skipped", 30),
    ],
)
def test_lipschitz_is_the_closed_form_and_is_attained_by_parallel_functions(name, expected):
    np.testing.assert_allclose(LAWS[name]().lipschitz(EACH, 3.0), expected, rtol=1e-14)
    np.testing.assert_allclose(largest(name, EACH[:, None, None]), expected, rtol=1e-14)  # f_i = L_i w^2 / 2


def test_the_full_batch_has_the_smoothness_of_f_itself():
    for name in ("full", "4-nice of 4", "independent, all certain"):
        assert LAWS[name]().lipschitz(EACH, 1.25) == 1.25
    assert sampling.listed([[1] * N], [1]).lipschitz(EACH, 1.25) == 1.25


def test_a_tight_law_of_ones_own_uses_the_smoothness_of_f():
    # v = 3 (1, 1, 1, 1) or nothing: Lip(grad f_v) = 3 L, not three times the mean of the L_i
    law = sampling.listed([[3] * N, [0] * N], [1 / 3, 2 / 3])
    np.testing.assert_allclose(law.lipschitz(EACH, 1.25), 3.75, rtol=1e-15)


def test_a_draw_that_is_impossible_has_no_part_in_the_lipschitz_constant():
    assert sampling.listed([[1] * N, [100] * N], [1, 0]).lipschitz(EACH, 1.25) == 1.25


# Draws

DRAWN = 30_000
SAMPLED = ["single", "2-nice", "3 draws", "independent", "full", "own 2"]
KEYS = jax.random.split(jax.random.key(0), DRAWN)
picks = jax.jit(lambda law, keys: jax.vmap(law.pick)(keys))
moved = jax.jit(lambda f, w, i, v: step(jax.value_and_grad(f.loss), w, 0.05, 0.3, 0.5, i, v))


def surprise(drawn, v, q):
    """Pearson's statistic of the drawn vectors over its 1e-9 quantile; infinite if one is impossible."""
    v, q = v[q > 0], q[q > 0]
    same = np.all(np.abs(drawn[:, None, :] - v) <= 1e-12 * (1 + np.abs(v)), axis=-1)
    if not np.all(same.sum(1) == 1):
        return np.inf
    expected = q * len(drawn)
    assert np.min(expected) >= 20  # else the statistic is not chi-squared
    return np.sum((same.sum(0) - expected) ** 2 / expected) / scipy.stats.chi2.isf(1e-9, max(len(q) - 1, 1))


@pytest.mark.parametrize("name", LAWS)
def test_a_draw_is_as_long_as_those_that_are_listed(name):
    law = LAWS[name]()
    indices, weights = law.pick(KEYS[0])
    assert indices.shape == weights.shape == law.atoms()[0][0].shape


@pytest.mark.parametrize("name", SAMPLED)
def test_draws_have_the_listed_frequencies(name):
    law = LAWS[name]()
    indices, weights = picks(law, KEYS)
    drawn = dense(law.n, indices, weights)
    v, q = support(law)
    assert surprise(drawn, v, q) < 1
    if np.count_nonzero(q) > 1:
        tilted = q * np.where(np.arange(len(q)) % 2, 1.2, 0.8)
        assert surprise(drawn, v, tilted / tilted.sum()) > 1
    assert surprise(drawn, 1.01 * v, q) == np.inf  # other weights


@pytest.mark.parametrize("name", SAMPLED)
def test_a_sparse_draw_and_its_dense_vector_give_the_same_step(name):
    rng = np.random.default_rng(1)
    f = least_squares(rng.normal(size=(N, 3)), rng.normal(size=N))
    w = rng.normal(size=3)
    indices, weights = (np.asarray(x)[:8] for x in picks(LAWS[name](), KEYS))
    for i, given, v in zip(indices, weights, dense(N, indices, weights), strict=True):
        sparse, full = moved(f, w, i, given), moved(f, w, np.arange(N), v)
        np.testing.assert_allclose(
            sparse, full, rtol=0, atol=1e-14
        )  # entries below 10, sums of at most 12 terms
        assert np.any(full != w) or not np.any(v)


@pytest.mark.parametrize("name", ["single", "2-nice", "3 draws", "independent", "full", "own 0"])
def test_laws_are_pytrees_that_pass_through_jit(name):
    law = LAWS[name]()
    again = jax.jit(lambda law: law)(law)
    assert type(again) is type(law) and again.n == law.n
    for found, expected in zip(support(again), support(law), strict=True):
        np.testing.assert_array_equal(found, expected)


def sizes(program):
    """The numbers of entries of all that a program computes, inner programs included."""
    for line in program.eqns:
        yield from (np.prod(out.aval.shape, dtype=int) for out in line.outvars)
        for value in line.params.values():
            if hasattr(value, "jaxpr"):
                yield from sizes(value.jaxpr)


def test_a_batch_of_128_from_50000_costs_no_matrix():
    law = sampling.nice(50_000, 128)
    across, extra = law.moment
    assert extra.shape == (50_000,)
    np.testing.assert_allclose(across + extra[0], 50_000 / 128, rtol=1e-15)  # E v_i^2 = n / tau
    assert law.lipschitz(np.ones(50_000), 0.5) == 1
    program = jax.make_jaxpr(law.pick)(jax.random.key(0))
    assert [out.aval.shape for out in program.jaxpr.outvars] == [(128,), (128,)]
    assert max(sizes(program.jaxpr)) <= 4 * 50_000


@pytest.mark.parametrize(
    "large",
    [
        lambda: sampling.nice(50_000, 128),
        lambda: sampling.independent(np.full(50_000, 0.5)),
        lambda: sampling.draws(np.full(50_000, 1 / 50_000), 128),
        lambda: sampling.nice(220, 2),  # 5e4 entries in its draws, 5e6 in the vectors v
        lambda: sampling.draws(np.full(220, 1 / 220), 2),
        lambda: sampling.uniform(5_000),
    ],
    ids=["50000 choose 128", "2^50000", "128 of 50000", "220 choose 2", "2 of 220", "5000"],
)
def test_the_support_of_a_large_law_is_refused_in_one_sentence(large):
    law = large()
    with pytest.raises(ValueError, match="too large to list") as refusal:
        support(law)
    assert "\n" not in str(refusal.value)


def test_the_refusal_of_a_large_support_names_size_limit_and_remedy():
    with pytest.raises(ValueError) as refusal:
        support(sampling.uniform(5_000))
    assert str(refusal.value) == (
        "a support of about 10^4 draws of length 5000 is too large to list (at most 4194304 entries); "
        "use fewer functions, a smaller batch, or the closed-form moment"
    )


# Bad input

NAN = float("nan")
REFUSED = {
    "single, negative": (
        lambda: sampling.single([0.6, -0.1, 0.5]),
        "^the probabilities of single-element sampling must be.*smallest -0.1.*divide",
    ),
    "single, sum": (lambda: sampling.single([0.5, 0.4]), "sum 0.9.*divide them by their sum"),
    "single, unreachable": (
        lambda: sampling.single([0.5, 0.0, 0.5]),
        "index 1 unreachable.*remove the function",
    ),
    "single, NaN": (lambda: sampling.single([0.5, NAN]), r"entry \(1,\) is nan: remove or replace"),
    "single, infinite": (lambda: sampling.single([0.5, np.inf]), r"entry \(1,\) is inf: remove or replace"),
    "single, matrix": (lambda: sampling.single([[0.5, 0.5]]), r"shape \(1, 2\)"),
    "single, empty": (lambda: sampling.single([]), "none given; at least one"),
    "single, words": (lambda: sampling.single(["a", "b"]), "must be numbers; got"),
    "single, nothing": (lambda: sampling.single(None), "must be"),
    "uniform, zero": (
        lambda: sampling.uniform(0),
        "^the number of functions must be a whole number at least 1; got 0",
    ),
    "uniform, fraction": (lambda: sampling.uniform(2.5), "whole number.*got 2.5"),
    "uniform, NaN": (lambda: sampling.uniform(NAN), "whole number.*got nan"),
    "uniform, word": (lambda: sampling.uniform("4"), "whole number.*got '4'"),
    "uniform, nothing": (lambda: sampling.uniform(None), "whole number.*got None"),
    "uniform, list": (lambda: sampling.uniform([4]), r"whole number.*got \[4\]"),
    "importance, zero": (
        lambda: sampling.importance([1, 0]),
        "positive smoothness constants; the smallest is 0",
    ),
    "importance, negative": (lambda: sampling.importance([1, -2]), "positive.*smallest is -2"),
    "importance, NaN": (
        lambda: sampling.importance([1, NAN]),
        r"^smoothness constants must be finite; entry \(1,\) is nan",
    ),
    "nice, too many": (
        lambda: sampling.nice(4, 5),
        "^the batch size of 4 functions drawn without.*from 1 to 4; got 5",
    ),
    "nice, none": (lambda: sampling.nice(4, 0), "from 1 to 4; got 0"),
    "nice, fraction": (lambda: sampling.nice(4, 1.5), "whole number from 1 to 4; got 1.5"),
    "nice, no function": (lambda: sampling.nice(0, 0), "^the number of functions must.*at least 1; got 0"),
    "nice, truth value": (lambda: sampling.nice(4, True), "whole number.*got True"),
    "draws, none": (lambda: sampling.draws(Q, 0), "^the batch size must.*at least 1; got 0"),
    "draws, fraction": (lambda: sampling.draws(Q, 1.5), "batch size.*got 1.5"),
    "draws, sum": (
        lambda: sampling.draws([0.5, 0.4], 2),
        "^the probabilities of sampling with replacement.*sum 0.9.*divide",
    ),
    "draws, unreachable": (lambda: sampling.draws([1.0, 0.0], 2), "index 1 unreachable"),
    "independent, zero": (lambda: sampling.independent([0.5, 0.0]), r"in \(0, 1\].*0"),
    "independent, above one": (lambda: sampling.independent([0.5, 1.2]), r"in \(0, 1\].*1.2"),
    "independent, negative": (lambda: sampling.independent([0.9, -0.2]), r"got shape \(2,\), -0.2"),
    "independent, NaN": (
        lambda: sampling.independent([0.5, NAN]),
        r"^the probabilities of independent sampling must.*\(1,\) is nan",
    ),
    "independent, matrix": (lambda: sampling.independent([[0.5]]), r"shape \(1, 1\)"),
    "full, none": (lambda: sampling.full(0), "^the number of functions must.*at least 1; got 0"),
    "listed, mean": (
        lambda: sampling.listed([[1, 1], [1, 2]], [0.5, 0.5]),
        r"^E\[v\] must be 1 in every entry; entry 1 has mean 1.5: divide column 1 by that",
    ),
    "listed, smallest mean": (
        lambda: sampling.listed([[0.25, 1.5]], [1]),
        "entry 0 has mean 0.25: divide column 0 by that",
    ),
    "listed, beyond rounding": (lambda: sampling.listed([[1 + 2.5e-12]], [1]), r"E\[v\] must be 1"),
    "listed, beyond rounding of large entries": (
        lambda: sampling.listed([[1e6], [2 - 1e6 + 4e-6]], [0.5, 0.5]),
        r"E\[v\] must be 1",
    ),
    "listed, sum": (
        lambda: sampling.listed([[1, 1], [1, 1]], [0.5, 0.4]),
        "^the probabilities of a listed law.*sum 0.9.*divide",
    ),
    "listed, negative": (lambda: sampling.listed([[1, 1], [1, 1]], [1.5, -0.5]), "smallest -0.5"),
    "listed, rows": (
        lambda: sampling.listed([[1, 1]], [0.5, 0.5]),
        r"^sampling vectors must be the rows.*one for each of 2 probabilities; got shape \(1, 2\)",
    ),
    "listed, vector": (lambda: sampling.listed([1, 1], [0.5, 0.5]), r"rows.*got shape \(2,\)"),
    "listed, NaN": (
        lambda: sampling.listed([[1, NAN]], [1]),
        r"^sampling vectors must be finite; entry \(0, 1\) is nan",
    ),
    "listed, ragged": (lambda: sampling.listed([[1, 1], [1]], [0.5, 0.5]), "must be numbers"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_factory_refuses_what_is_no_law_naming_value_and_remedy(case):
    make, message = REFUSED[case]
    with pytest.raises(ValueError, match=message) as refusal:
        make()
    assert "\n" not in str(refusal.value)


def test_a_subset_is_as_steep_as_the_mean_of_its_largest_constants():
    each = np.array([16.0, 1.0, 4.0, 8.0, 2.0])
    assert sampling.nice(5, 3).lipschitz(each, 5.0) == (4 + 8 + 16) / 3
    assert sampling.nice(5, 1).lipschitz(each, 5.0) == 16

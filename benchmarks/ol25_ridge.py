"""python -m benchmarks.ol25_speed: Unified SAM against NumPy loops, the exact curve against a sampled path.

Ridge with n = d = 100, one example a step. Every pair runs in turn, A B A B ..., in one process; the ratio is
the median of the paired ratios, with the smallest and largest. Compilation is timed apart.
"""

import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np

from experiments.ol25_importance import problem
from theory import sampling
from theory.bounds import ol25
from theory.descent import descend
from theory.expectation import krylov, rank_one

N, STEPS, RUNS, LAMS, ROUNDS = 100, 100_000, 5, (0.0, 0.5, 1.0), 7
LOOP_STEPS = 4000  # of the NumPy loops, which are charged by the step
LONG = 1_000_000


def loop(a, b, ridge, indices, gamma, rho, lam):
    """The rule as one writes it in NumPy, its indices given."""
    w = np.zeros(a.shape[1])
    for i in indices:
        row = a[i]
        grad = row * (row @ w - b[i]) + ridge * w
        ahead = w + rho * (1 - lam + lam / np.linalg.norm(grad)) * grad
        w = w - gamma * (row * (row @ ahead - b[i]) + ridge * ahead)
    return w


def recording_loop(a, b, ridge, steps, rng, every, gamma, rho, lam):
    """The same, drawing its indices one at a time and keeping the full loss at some steps."""
    w, kept = np.zeros(a.shape[1]), []
    record = set(range(0, steps, every))
    for t in range(steps):
        if t in record:
            kept.append(0.5 * np.mean((a @ w - b) ** 2) + 0.5 * ridge * (w @ w))
        i = rng.choice(len(b))
        row = a[i]
        grad = row * (row @ w - b[i]) + ridge * w
        ahead = w + rho * (1 - lam + lam / np.linalg.norm(grad)) * grad
        w = w - gamma * (row * (row @ ahead - b[i]) + ridge * ahead)
    return w, kept


def seconds(function):
    begun = time.perf_counter()
    jax.block_until_ready(function())
    return time.perf_counter() - begun


def paired(name, ours, theirs, our_share, their_share):
    """Print the ratio of cost per unit, theirs over ours."""
    rows = [(seconds(ours) / our_share, seconds(theirs) / their_share) for _ in range(ROUNDS)]
    ratios = sorted(b / a for a, b in rows)
    ours_median, theirs_median = (statistics.median(column) for column in zip(*rows, strict=True))
    print(
        f"{name:<58} {ours_median * 1e6:10.3f} {theirs_median * 1e6:10.3f}   "
        f"{statistics.median(ratios):6.1f}  ({ratios[0]:.1f} to {ratios[-1]:.1f})",
        flush=True,
    )


def compiled(function, *arguments):
    begun = time.perf_counter()
    program = jax.jit(function).lower(*arguments).compile()
    return program, time.perf_counter() - begun


def main():
    jax.config.update("jax_enable_x64", True)
    f = problem(0, N)
    law = sampling.uniform(N)
    k = ol25.paper_constants(f, law)
    gamma, _ = ol25.new_steps(k, 0.0)
    rhos = jnp.array([ol25.new_steps(k, lam)[1] for lam in LAMS])
    lams = jnp.array(LAMS)
    a, b = np.asarray(f.a), np.asarray(f.b)
    rng = np.random.default_rng(0)
    indices = rng.integers(0, N, (RUNS, STEPS))

    def path(f, draws, rho, lam, every):
        return descend(jax.value_and_grad(f.loss), jnp.zeros(N), gamma, rho, lam, draws, f.loss, every)

    def many(f, indices, rhos, lams):
        def one(i, rho, lam):
            return path(f, (i[:, None], jnp.full((STEPS, 1), float(N))), rho, lam, STEPS)[1]

        return jax.vmap(jax.vmap(one, (0, None, None)), (None, 0, 0))(indices, rhos, lams)

    def drawn(f, keys, rhos, lams):
        def one(key, rho, lam):
            return path(f, jax.vmap(law.pick)(jax.random.split(key, STEPS)), rho, lam, STEPS // 100)[0]

        return jax.vmap(jax.vmap(one, (0, None, None)), (None, 0, 0))(keys, rhos, lams)

    def single(f, key):
        return path(f, jax.vmap(law.pick)(jax.random.split(key, LONG)), rhos[0], 0.0, LONG // 100)[0]

    keys = jax.random.split(jax.random.key(0), RUNS)
    given, given_compile = compiled(many, f, jnp.asarray(indices), rhos, lams)
    drawing, drawing_compile = compiled(drawn, f, keys, rhos, lams)
    long, long_compile = compiled(single, f, keys[0])
    atoms, start = rank_one(f, law), -f.minimiser
    times = np.unique(np.round(np.geomspace(1, LONG, 200)))
    exact_first = seconds(lambda: krylov(atoms, start, gamma, float(rhos[0]), times))

    # the same path as the loop, or the comparison means nothing
    mine = np.asarray(given(f, jnp.asarray(indices), rhos, lams))[1, 0]
    theirs = loop(a, b, f.ridge, indices[0], gamma, float(rhos[1]), 0.5)
    difference = np.max(np.abs(mine - theirs)) / np.max(np.abs(theirs))
    print(f"same indices, last iterate: relative difference {difference:.1e}")
    print(
        f"compilation: {given_compile:.2f} s, {drawing_compile:.2f} s, {long_compile:.2f} s; "
        f"first exact curve {exact_first:.2f} s"
    )
    print(f"{'per run-step, or per curve, in microseconds':<58} {'ours':>10} {'theirs':>10}   ratio")
    steps = len(LAMS) * RUNS * STEPS
    few = indices[0, :LOOP_STEPS]
    rho = float(rhos[1])
    paired(
        "15 runs of 1e5 steps; NumPy loop, indices given",
        lambda: given(f, jnp.asarray(indices), rhos, lams),
        lambda: loop(a, b, f.ridge, few, gamma, rho, 0.5),
        steps,
        LOOP_STEPS,
    )
    paired(
        "15 runs of 1e5 steps, drawn; NumPy loop, draws, records",
        lambda: drawing(f, keys, rhos, lams),
        lambda: recording_loop(a, b, f.ridge, LOOP_STEPS, rng, LOOP_STEPS // 100, gamma, rho, 0.5),
        steps,
        LOOP_STEPS,
    )
    paired(
        "exact curve of 1e6 USAM steps; our own sampled path",
        lambda: krylov(atoms, start, gamma, float(rhos[0]), times).values,
        lambda: long(f, keys[1]),
        1,
        1,
    )
    curve = krylov(atoms, start, gamma, float(rhos[0]), times)
    finer = krylov(atoms, start, gamma, float(rhos[0]), times, 0.0)
    difference = np.max(np.abs(curve.values / finer.values - 1))
    print(f"exact curve: {curve.size} vectors; {finer.size} vectors differ by {difference:.1e} relative")


if __name__ == "__main__":
    main()

"""Unified SAM on ridge regression beside loops in NumPy; the exact expected curve beside one sampled path.

Ridge with n = d = 100, one example a step, from w = 0: 3 lam x 5 paths of 1e5 steps, the full loss kept every
100 steps; the exact curve, lam = 0, from the data to 200 times up to 1e6. The loops run 4000 steps and
are charged by the step. That favours them: the public one looks every step up in the list of those to keep,
and a longer run has a longer list. All take the same gamma and rho.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.harness import Bench, Equality, Job, Row, compiled
from benchmarks.peers import imported, lacking
from experiments.ol25_importance import problem
from theory import sampling
from theory.bounds import ol25
from theory.descent import descend, sampled, swept
from theory.expectation import krylov, rank_one
from theory.problems.least_squares import LeastSquares, one_example
from theory.update import step

PEERS = ("unifiedsam",)
N, STEPS, RUNS, LAMS = 100, 100_000, 5, (0.0, 0.5, 1.0)
LOOP_STEPS = 4000
LONG = 1_000_000  # steps of the exact curve
EPSILON = 1e-7  # what the public loop adds to |g|
ROUNDING = 1e-12  # relative, of a loss within 4000 steps
SHIFT = 1e-6  # relative, by which the epsilon may move it
TRIALS, ERRORS = 20, 4.0  # of the public loop; standard errors between their mean and the exact curve
THEIRS = {
    "15 runs; the paper's public loop": "rule",
    "15 runs, closed form; the paper's public loop": "closed",
    "exact curve of 1e6 steps; one trial of that loop": "exact",
}


class Task(NamedTuple):
    f: LeastSquares
    law: sampling.Single
    gamma: float
    rhos: list[float]  # one for each of LAMS
    indices: np.ndarray  # (paths, steps), the first as the public loop draws them

    @property
    def grid(self):
        return jnp.full(len(LAMS), self.gamma), jnp.array(self.rhos), jnp.array(LAMS)

    def exact(self, times, tolerance=1e-10):
        """The expected curve at lam = 0, from the data."""
        f = self.f
        return krylov(rank_one(f, self.law), -f.minimiser, self.gamma, self.rhos[0], times, tolerance)

    def loop(self, lam, indices, every=N, epsilon=0.0):
        """The rule as one writes it in NumPy: the full loss at every `every` steps."""
        a, b, ridge = np.asarray(self.f.a), np.asarray(self.f.b), self.f.ridge
        gamma, rho, lam = self.gamma, self.rhos[lam], LAMS[lam]
        w, kept = np.zeros(N), []
        for t, i in enumerate(indices):
            if t % every == 0:
                kept.append(whole(a, b, ridge, w))
            row = a[i]
            grad = row * (row @ w - b[i]) + ridge * w
            ahead = w + rho * (1 - lam + lam / (np.linalg.norm(grad) + epsilon)) * grad
            w = w - gamma * (row * (row @ ahead - b[i]) + ridge * ahead)
        return np.array([*kept, whole(a, b, ridge, w)])


def whole(a, b, ridge, w):
    """The full loss as a product, for NumPy and JAX."""
    rest = a @ w - b
    return 0.5 * (rest @ rest) / len(b) + 0.5 * ridge * (w @ w)


def apart(found, expected):
    """The largest relative difference."""
    return float(np.max(np.abs(np.asarray(found) / np.asarray(expected) - 1)))


def task():
    f, law = problem(0, N), sampling.uniform(N)
    steps = [ol25.new_steps(ol25.paper_constants(f, law), lam) for lam in LAMS]
    np.random.seed(0)  # noqa: NPY002 - the generator that the public loop draws from
    indices = np.random.randint(0, N, (RUNS, STEPS))  # noqa: NPY002
    return Task(f, law, float(steps[0][0]), [float(rho) for _, rho in steps], indices)


def bench(peers):
    own = task()
    f, law, rng = own.f, own.law, np.random.default_rng(0)
    start, key, first = jnp.zeros(N), jax.random.key(0), own.indices[0, :LOOP_STEPS]
    loss = partial(whole, f.a, f.b, f.ridge)

    def along(f, indices, grid, move):
        draws = (indices[:, :, None], jnp.full((RUNS, STEPS, 1), float(N)))
        return swept(move(f), start, grid, draws, loss, N)

    def drawn(f, law, key, grid):
        return sampled(f, law, start, key, grid, RUNS, STEPS, STEPS // 100, loss)

    def path(f, law, key):
        draws = jax.vmap(law.pick)(jax.random.split(key, LONG))
        rule = jax.value_and_grad(f.loss)
        return descend(rule, start, own.gamma, own.rhos[0], 0.0, draws, loss, LONG // 100)[0]

    def fresh():
        """Indices drawn anew, as a loop draws its own."""
        return jnp.asarray(rng.integers(0, N, (RUNS, STEPS)))

    moves = {"rule": lambda f: partial(step, jax.value_and_grad(f.loss)), "closed": one_example}
    programs, times = {}, {}
    for name, move in moves.items():
        given = (f, jnp.asarray(own.indices), own.grid)
        programs[name], times[name] = compiled(partial(along, move=move), *given)
    programs["drawn"], times["drawn"] = compiled(drawn, f, law, key, own.grid)
    programs["path"], _ = compiled(path, f, law, key)
    record, steps = np.unique(np.round(np.geomspace(1, LONG, 200))), len(LAMS) * RUNS * STEPS
    jobs = {
        "rule": Job(lambda: programs["rule"](f, fresh(), own.grid), steps),
        "closed": Job(lambda: programs["closed"](f, fresh(), own.grid), steps),
        "drawn": Job(lambda: programs["drawn"](f, law, key, own.grid), steps),
        "exact": Job(lambda: own.exact(record), 1),
        "path": Job(lambda: programs["path"](f, law, key), 1),
        "loop": Job(lambda: own.loop(1, first, LOOP_STEPS), LOOP_STEPS),
        "drawing loop": Job(
            lambda: own.loop(1, (rng.choice(N) for _ in range(LOOP_STEPS)), LOOP_STEPS // 100), LOOP_STEPS
        ),
    }
    plain = np.array([own.loop(lam, first) for lam in range(len(LAMS))])
    curves = {
        name: np.asarray(programs[name](f, jnp.asarray(own.indices), own.grid))[:, 0, : plain.shape[1]]
        for name in moves
    }
    same = {
        name: {"same indices: the curves differ by": Equality(apart(curve, plain), ROUNDING)}
        for name, curve in curves.items()
    }
    found, finer = own.exact(record), own.exact(record, 0.0)
    same["exact"] = {
        f"{found.size} vectors and {finer.size} differ by": Equality(apart(found.values, finer.values), 1e-9)
    }
    rows = [
        Row("15 runs; a loop in NumPy", "run-step", "rule", "loop", same["rule"], times["rule"]),
        Row("15 runs, closed form; that loop", "run-step", "closed", "loop", same["closed"], times["closed"]),
        Row("15 runs that draw; a loop that draws", "run-step", "drawn", "drawing loop", {}, times["drawn"]),
        Row("exact curve of 1e6 steps; our own path", "curve", "exact", "path", same["exact"]),
    ]
    if "unifiedsam" not in peers:
        return Bench(jobs, rows, dict.fromkeys(THEIRS, lacking("unifiedsam")))
    loops, equalities = public(own, peers["unifiedsam"], plain, curves)
    rows += [
        Row(name, "curve" if ours == "exact" else "run-step", ours, theirs, equality, times.get(ours))
        for (name, ours), theirs, equality in zip(
            THEIRS.items(), ("public", "public", "public trial"), equalities, strict=True
        )
    ]
    return Bench(jobs | loops, rows)


def public(own, folder, plain, curves):
    """The jobs of the public loop, and how far it is from ours in the rows THEIRS.

    It divides by |g| + 1e-7. With that epsilon the loop in NumPy does the same to rounding, so what is left
    between theirs and ours is the epsilon. The exact curve is an expectation: their mean must meet it.
    """
    unified_sam, regression = imported("unifiedsam", folder)
    problem = regression(N, N, own.f.ridge, A=np.asarray(own.f.a), b=np.asarray(own.f.b))

    def trials(lam, count=1, every=N):
        """The full loss along `count` paths, (times, count)."""
        times = np.arange(0, LOOP_STEPS + 1, every)
        return unified_sam(problem, count, times, np.zeros(N), own.gamma, own.rhos[lam], LAMS[lam])[1]

    def seeded(*arguments):
        np.random.seed(0)  # noqa: NPY002
        return trials(*arguments)

    each, first = range(len(LAMS)), own.indices[0, :LOOP_STEPS]
    theirs = np.array([seeded(lam)[:, 0] for lam in each])
    beside = [own.loop(lam, first, epsilon=EPSILON) for lam in each]
    equalities = [
        {
            "same indices: the curves differ by": Equality(apart(curves[name], theirs), SHIFT),
            "with their epsilon in a NumPy loop by": Equality(apart(beside, theirs), ROUNDING),
            "without it ours and that loop by": Equality(apart(curves[name], plain), ROUNDING),
        }
        for name in ("rule", "closed")
    ]
    few = LOOP_STEPS // 8
    values = seeded(0, TRIALS, few)[1:]
    expected = own.exact(np.arange(few, LOOP_STEPS + 1, few)).values + own.f.minimum
    errors = (values.mean(1) - expected) / (values.std(1, ddof=1) / np.sqrt(TRIALS))
    worst = float(np.max(np.abs(errors)))
    equalities.append({f"mean of {TRIALS} trials off by standard errors": Equality(worst, ERRORS)})
    loops = {
        "public": Job(lambda: trials(1), LOOP_STEPS),
        "public trial": Job(lambda: trials(0), LOOP_STEPS / LONG),
    }
    return loops, equalities

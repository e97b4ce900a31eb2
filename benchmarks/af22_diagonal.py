"""1-SAM on diagonal linear networks beside the public loop: a run, a grid search, a sweep over seeds.

The public notebook's problem, n = 20, d = 30, u0 = 0.1: one run of 1e4 steps, its grid search (gradient
descent, 7 radii of n-SAM, 7 of 1-SAM) and the 7 radii of 1-SAM on 100 data sets. "rule" is theory/update.py
in groups of one example, lam the number 0; "closed" the five products of theory/problems/diagonal.py. A
sweep maps over seeds and radii on one device, the closed form over 20 seeds at once, and the grid search
all runs of a kind. The public loop takes 400 steps of each run, keeps the last loss, and is charged by the
step, which favours it.

With this step and a large radius some runs of 1-SAM amplify roundings, and two correct programs differ
(experiments/af22_round_off.py). So equality is asked for where one rounding of u0 hardly matters: on seed 0
to 1e-9 or ten times what it moves, on other seeds to 1e-12 for the four smallest radii. How many of the
other cells differ is reported.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.harness import Bench, Equality, Job, Row, compiled
from benchmarks.peers import imported, lacking
from theory import Array
from theory.descent import iterate, still
from theory.problems import diagonal, notebook
from theory.update import in_groups, look_ahead

PEERS = ("understanding-sam",)
STEPS, EVERY, LOOP_STEPS, SEEDS, TOGETHER, ROUNDS = 10_000, 1000, 400, 100, 20, 5
U0, GAMMA, STRAY = 0.1, 1 / 2, 1 / 3  # STRAY: the step of n-SAM in the public grid search
SHOWN = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.9)  # radii as the notebook counts
SMALL = 4  # of them: those where no run amplifies roundings
ONE = SHOWN[4]  # of the single run
APART, CLOSE = 1e-9, 1e-12
THEIRS = {"rule": "the rule", "closed": "closed form"}


class Problem(NamedTuple):
    x: Array
    y: Array
    x_test: Array
    y_test: Array


def problem(seed):
    regression = notebook.drawn(seed)[0]
    return Problem(*map(np.asarray, (*regression.train, *regression.test)))


def rule(f, m):
    """A step of theory/update.py in groups of m consecutive examples."""

    def value(w, x, y):
        return 0.5 * jnp.mean((x @ (w[0] * w[1]) - y) ** 2)

    batch = f.x.reshape(-1, m, f.x.shape[1]), f.y.reshape(-1, m)

    def move(w, gamma, rho, lam, *_):
        grad = in_groups(look_ahead(jax.value_and_grad(value), rho, 0))(w, *batch)[1]
        return jax.tree.map(lambda x, g: x - gamma * g, w, grad)

    return move


def closed(f, m):
    return diagonal.one_sam(f) if m == 1 else diagonal.n_sam(f)


MOVES = {"rule": rule, "closed": closed}


def run(make, p, gamma, rho, m, every):
    """The test loss every `every` steps of one run, rho of the theory."""
    move = make(diagonal.Diagonal(p.x, p.y), m)
    start = jnp.full(p.x.shape[1], U0), jnp.zeros(p.x.shape[1])

    def loss(w):
        return 0.5 * jnp.mean((p.x_test @ (w[0] * w[1]) - p.y_test) ** 2)

    return iterate(move, start, gamma, rho, 0.0, (still(STEPS),), loss, every)[0][1:]


def cell(make, p, whole, ones):
    """The runs of the grid search: (gamma, rho) of gradient descent and n-SAM, and of 1-SAM."""
    kinds = ((len(p.y), whole), (1, ones))
    return jnp.concatenate(
        [alike(partial(run, make, m=m, every=EVERY), make, p, *pairs) for m, pairs in kinds]
    )


def alike(one, make, p, gammas, radii):
    """Runs that differ in gamma and rho."""
    if make is rule:
        return jax.lax.map(lambda pair: one(p, *pair), (gammas, radii))
    # each run with data of its own: products of a matrix and a vector stay what they are
    copies = jax.tree.map(lambda x: jnp.broadcast_to(x, (len(radii), *x.shape)), p)
    return jax.vmap(one)(jax.lax.optimization_barrier(copies), gammas, radii)


def sweep(make, problems, radii):
    """The last test loss for each data set and radius."""

    def last(p, rho):
        return run(make, p, GAMMA, rho, 1, STEPS)[-1]

    if make is rule:
        return jax.lax.map(lambda p: jax.lax.map(partial(last, p), radii), problems)
    chunks = jax.tree.map(lambda x: x.reshape(-1, TOGETHER, *x.shape[1:]), problems)
    some = jax.vmap(last, (0, None))
    out = jax.lax.map(lambda chunk: jax.lax.map(partial(some, chunk), radii), chunks)
    return jnp.swapaxes(out, 1, 2).reshape(-1, len(radii))


def plain(settings, steps, every, seed=0):
    """The test loss every `every` steps, as the notebook computes it: (settings, times)."""
    regression = notebook.drawn(seed)[0]
    u = np.array([each.u0 for each in settings])[:, None] * np.ones(len(regression.target))
    v, out = np.zeros_like(u), []
    for _ in range(0, steps, every):
        for method in notebook.METHODS:
            of = [k for k, each in enumerate(settings) if each.method == method]
            if of:
                gamma, rho = (
                    np.array([[getattr(settings[k], name)] for k in of]) for name in ("gamma", "rho")
                )
                rho = notebook.RADIUS[method] * rho
                u[of], v[of] = notebook.moved(regression.train, method, u[of], v[of], gamma, rho, every)
        out.append(notebook.test_losses(regression, u, v))
    return np.array(out).T


def grid():
    """The grid search as settings of the notebook."""
    return [
        notebook.Setting("gd", GAMMA, U0),
        *(notebook.Setting("nsam", STRAY, U0, rho) for rho in SHOWN),
        *(notebook.Setting("1sam", GAMMA, U0, rho) for rho in SHOWN),
    ]


def apart(found, expected):
    """The largest relative difference; where only one of the two is NaN, infinity."""
    found, expected = np.asarray(found), np.asarray(expected)
    with np.errstate(all="ignore"):
        off = np.where(np.isnan(found) & np.isnan(expected), 0.0, np.abs(found / expected - 1))
    return float(np.max(np.where(np.isnan(off), np.inf, off)))


SAID = {
    "run": ("one run of 1-SAM", "step"),
    "cell": ("grid search, 15 runs", "cell"),
    "sweep": (f"{len(SHOWN)} radii x {SEEDS} seeds", "run-step"),
}


def bench(peers):
    names = {(name, what): f"{SAID[what][0]}, {THEIRS[name]}" for name in MOVES for what in SAID}
    if "understanding-sam" not in peers:
        return Bench({}, [], dict.fromkeys(names.values(), lacking("understanding-sam")))
    first, many = problem(0), jax.tree.map(lambda *each: np.stack(each), *map(problem, range(SEEDS)))
    radius = notebook.RADIUS["1sam"]
    whole = jnp.array([GAMMA] + [STRAY] * len(SHOWN)), jnp.array([0.0, *SHOWN])
    ones = jnp.full(len(SHOWN), GAMMA), radius * jnp.array(SHOWN)
    given: dict[str, tuple[Any, tuple[Any, ...], float]] = {
        "run": (partial(run, m=1, every=STEPS), (first, GAMMA, radius * ONE), STEPS),
        "cell": (cell, (first, whole, ones), 1),
        "sweep": (sweep, (many, ones[1]), STEPS * len(SHOWN) * SEEDS),
    }
    jobs, rows, times, found = {}, [], {}, {}
    for name, make in MOVES.items():
        for what, (function, arguments, units) in given.items():
            program, times[name, what] = compiled(partial(function, make), *arguments)
            jobs[f"{name} {what}"] = Job(partial(program, *arguments), units)
            found[name, what] = np.asarray(program(*arguments))
    equal = equalities(found)
    loops, same = public(first, peers["understanding-sam"])
    for (name, what), text in names.items():
        loop = "public cell" if what == "cell" else "public run"
        facts = same | equal[name, what]
        rows.append(Row(text, SAID[what][1], f"{name} {what}", loop, facts, times[name, what]))
    return Bench(jobs | loops, rows, rounds=ROUNDS)


def equalities(found):
    """How far our programs are from the plain loop, and from each other."""
    settings = grid()
    loop = plain(settings, STEPS, EVERY)
    moved = plain([each._replace(u0=np.nextafter(U0, 1)) for each in settings], STEPS, EVERY)
    share = [max(APART, 10 * apart(a, b)) for a, b in zip(moved, loop, strict=True)]
    alone = settings.index(notebook.Setting("1sam", GAMMA, U0, ONE))
    others = np.array([plain(grid()[-len(SHOWN) :][:SMALL], STEPS, STEPS, seed)[:, -1] for seed in (1, 2, 3)])
    out = {}
    for name in MOVES:
        curves, last = found[name, "cell"], found[name, "sweep"]
        worst = max(apart(a, b) / limit for a, b, limit in zip(curves, loop, share, strict=True))
        beyond = [
            apart(a, b) > APART
            for a, b in zip(last[:, SMALL:].flat, found["rule", "sweep"][:, SMALL:].flat, strict=True)
        ]
        out[name, "run"] = {"the end off by": Equality(apart(found[name, "run"], loop[alone, -1:]), CLOSE)}
        out[name, "cell"] = {"curves off, in units of what may be": Equality(worst, 1.0)}
        out[name, "sweep"] = {
            "three seeds, small radii, off by": Equality(apart(last[1:4, :SMALL], others), CLOSE),
            "all seeds, small radii, off the rule by": Equality(
                apart(last[:, :SMALL], found["rule", "sweep"][:, :SMALL]), CLOSE
            ),
            f"of {len(beyond)} other cells, off the rule by 1e-9": Equality(float(sum(beyond)), np.inf),
        }
    return out


def public(p, folder):
    """The jobs of the public loop, and how far it is from ours in plain NumPy."""
    descent, whole, single = imported("understanding-sam", folder)
    u, v, kept = np.full(p.x.shape[1], U0), np.zeros(p.x.shape[1]), np.array([LOOP_STEPS - 1])
    data = p.x, p.y, p.x_test, p.y_test

    def losses(setting):
        loop = {"gd": descent, "nsam": whole, "1sam": single}[setting.method]
        radius = () if setting.method == "gd" else (setting.rho,)
        with np.errstate(all="ignore"):
            return loop(*data, setting.gamma, u, v, kept, LOOP_STEPS, *radius)[1][-1]

    settings = grid()
    theirs = np.array([losses(each) for each in settings])
    ours = plain(settings, LOOP_STEPS, LOOP_STEPS)[:, 0]
    one = settings[len(settings) - len(SHOWN) + SHOWN.index(ONE)]
    loops = {
        "public run": Job(lambda: losses(one), LOOP_STEPS),
        "public cell": Job(lambda: [losses(each) for each in settings], LOOP_STEPS / STEPS),
    }
    return loops, {"the public loop off the plain one by": Equality(apart(ours, theirs), CLOSE)}

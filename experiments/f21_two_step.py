"""The two steps of SAM on a valley of the plane, and the loss around the ends of descent and of SAM.

"path": f(x, y) = h(x) y^2 / 2 with h = 1 + x^2, the floor y = 0 sharpest where |x| is large. From one start A
the rule goes up to B = A + rho u and steps from A along the gradient at B; then again. GD and SAM take the
same steps gamma; `ahead_x`, `ahead_y` are B. "valley": the loss on a grid.

"ends": tanh nets of 24 weights on 30 values without noise that they fit, full batch, from several seeds, by
GD and by SAM: the training loss and the two largest eigenvalues of the Hessian at the end.
"around": for the first seed the loss at the end plus a v_1 + b v_2, v_1 and v_2 their eigenvectors.
"between": the loss on the line through both ends, `share` 0 at GD and 1 at SAM.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.f21_second_order import regression, stacked
from experiments.record import progress
from theory import admit
from theory.confidence import median_above
from theory.problems.valley import valley
from theory.update import ahead, descended, direction, step

SECONDS = 4
QUICK = {"steps": 200, "seeds": 2, "moves": 5, "grid": 9}
START = (1.6, 0.5)


def run(
    seed=0, steps=20_000, seeds=12, gamma=0.1, rho=0.1, moves=60, valley_gamma=0.25, valley_rho=0.3, grid=61
):
    for value, name, low in [
        (steps, "steps", 1),
        (seeds, "seeds", 1),
        (moves, "moves", 1),
        (grid, "grid", 2),
    ]:
        admit.whole(value, name, low)
    admit.steps((gamma, valley_gamma), (rho, valley_rho), 1)
    progress(f"f21_two_step: a valley, {moves} moves; {seeds} nets, {steps} steps")
    frames = list(on_valley(moves, valley_gamma, valley_rho, grid))
    nets = stacked([regression([seed, k], 4, 6, 30, 0.0) for k in range(seeds)])
    both = {method: ends(nets, gamma, radius, steps) for method, radius in {"GD": 0.0, "SAM": rho}.items()}
    for method, (_, loss, eigs, _) in both.items():
        kept = {
            "kind": "ends",
            "method": method,
            "seed": np.arange(seeds),
            "rho": rho,
            "loss": np.asarray(loss),
        }
        frames.append(
            pd.DataFrame(kept | {"top": np.asarray(eigs[:, -1]), "second": np.asarray(eigs[:, -2])})
        )
    first = jax.tree.map(lambda x: x[0], nets).train
    along = np.linspace(-1.5, 1.5, grid)
    a, b = (x.ravel() for x in np.meshgrid(along, along))
    for method, (w, _, _, vectors) in both.items():
        points = np.asarray(w[0]) + np.outer(a, vectors[0, :, -1]) + np.outer(b, vectors[0, :, -2])
        kept = {"kind": "around", "method": method, "seed": 0, "x": a, "y": b}
        frames.append(pd.DataFrame(kept | {"loss": losses(first, points)}))
    share = np.linspace(-0.5, 1.5, 4 * grid)
    first_end, last_end = (np.asarray(both[method][0][0]) for method in ("GD", "SAM"))
    points = first_end + np.outer(share, last_end - first_end)
    frames.append(pd.DataFrame({"kind": "between", "seed": 0, "share": share, "loss": losses(first, points)}))
    return pd.concat(frames, ignore_index=True)


def on_valley(moves, gamma, rho, grid):
    f = valley([1.0], [[0.0]], [[[2.0]]])
    for method, radius in {"GD": 0.0, "SAM": rho}.items():
        w, up, loss = map(np.asarray, path(f, jnp.array(START), gamma, radius, moves))
        kept = {"kind": "path", "method": method, "step": np.arange(moves + 1), "rho": radius, "loss": loss}
        kept |= {"x": w[:, 0], "y": w[:, 1], "ahead_x": up[:, 0], "ahead_y": up[:, 1]}
        yield pd.DataFrame(kept)
    x, y = (each.ravel() for each in np.meshgrid(np.linspace(-0.1, 1.9, grid), np.linspace(-0.9, 0.9, grid)))
    height = losses(f, jnp.stack([x, y], axis=1))
    yield pd.DataFrame({"kind": "valley", "x": x, "y": y, "loss": np.asarray(height)})


@partial(jax.jit, static_argnames="moves")
def path(f, start, gamma, rho, moves):
    """The points A, the points B that they ascend to, and the loss at A."""
    rule = jax.value_and_grad(f.loss)

    def move(w, _):
        up = ahead(w, rho, direction(rule(w)[1], 1.0))
        return descended(w, gamma, rule(up)[1]), (w, up, f.loss(w))

    return jax.lax.scan(move, start, length=moves + 1)[1]


@partial(jax.jit, static_argnames="steps")
def ends(nets, gamma, rho, steps):
    """(w, loss, eigenvalues, eigenvectors) of every net at the end."""

    def one(net):
        rule = jax.value_and_grad(net.train.loss)
        w = jax.lax.fori_loop(0, steps, lambda _, w: step(rule, w, gamma, rho, 1.0), net.start)
        return w, net.train.loss(w), *jnp.linalg.eigh(jax.hessian(net.train.loss)(w))

    return jax.vmap(one)(nets)


@jax.jit
def losses(f, points):
    return jax.vmap(f.loss)(points)


def verdicts(table):
    """At 99.9 %, over the nets: SAM ends where the top eigenvalue is smaller."""
    top = table[table.kind == "ends"].set_index(["method", "seed"]).top
    ratio = top["SAM"] / top["GD"]
    return {
        "the top eigenvalue at the end of SAM is below that at the end of descent": {
            "measured": median_above(ratio, 1.0, 0.999),
            "bound": 0.5,
            "controls": {"exchanged": median_above(1 / ratio, 1.0, 0.999)},
        }
    }

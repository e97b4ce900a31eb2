"""python -m benchmarks._ol25_process ours|FOLDER TASK RESULT: one side of `ol25_cold`, imports and all.

TASK holds a, b, ridge, gamma, rhos, lams, paths, steps; RESULT gets the full loss along every path, every n
steps, as (lams, steps / n + 1, paths). Both sides see the same indices.
"""

import sys

import numpy as np


def ours(a, b, ridge, gamma, rhos, lams, paths, steps):
    from functools import partial

    import jax
    import jax.numpy as jnp

    from theory.descent import swept
    from theory.problems import least_squares
    from theory.update import step

    jax.config.update("jax_enable_x64", True)
    f, n = least_squares.ridge(a, b, ridge), len(b)
    np.random.seed(0)  # noqa: NPY002 - as the public loop draws
    indices = np.random.randint(0, n, (paths, steps, 1))  # noqa: NPY002

    def loss(w):
        rest = f.a @ w - f.b
        return 0.5 * (rest @ rest) / n + 0.5 * f.ridge * (w @ w)

    @jax.jit
    def run(f, indices, grid):
        rule = partial(step, jax.value_and_grad(f.loss))
        draws = (indices, jnp.full(indices.shape, float(n)))
        return swept(rule, jnp.zeros(a.shape[1]), grid, draws, loss, n)

    return np.swapaxes(run(f, indices, (np.full(len(lams), gamma), rhos, lams)), 1, 2)


def theirs(folder, a, b, ridge, gamma, rhos, lams, paths, steps):
    from benchmarks.peers import imported

    unified_sam, regression = imported("unifiedsam", folder)
    n, d = a.shape
    loss, times, curves = regression(n, d, ridge, A=a, b=b), np.arange(0, steps + 1, n), []
    for rho, lam in zip(rhos, lams, strict=True):
        np.random.seed(0)  # noqa: NPY002
        curves.append(unified_sam(loss, paths, times, np.zeros(d), gamma, rho, lam)[1])
    return np.array(curves)


def main(side, task, result):
    with np.load(task) as file:
        given = {name: file[name] if file[name].ndim else file[name].item() for name in file.files}
    np.save(result, ours(**given) if side == "ours" else theirs(side, **given))


if __name__ == "__main__":
    main(*sys.argv[1:])

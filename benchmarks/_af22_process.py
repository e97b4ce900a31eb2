"""python -m benchmarks._af22_process ours|FOLDER RESULT: one side of `af22_cold`, imports and all.

RESULT gets the test losses at the ends of the 15 runs of the public grid search.
"""

import sys

import numpy as np


def ours():
    import jax

    from benchmarks import af22_diagonal as bench
    from theory.problems.notebook import RADIUS

    jax.config.update("jax_enable_x64", True)
    radii = np.array(bench.SHOWN)
    whole = np.array([bench.GAMMA] + [bench.STRAY] * len(radii)), np.array([0.0, *radii])
    ones = np.full(len(radii), bench.GAMMA), RADIUS["1sam"] * radii
    return jax.jit(bench.cell, static_argnums=0)(bench.closed, bench.problem(0), whole, ones)[:, -1]


def theirs(folder):
    from benchmarks import af22_diagonal as bench
    from benchmarks.peers import imported

    loops = dict(zip(("gd", "nsam", "1sam"), imported("understanding-sam", folder), strict=True))
    p, kept, out = bench.problem(0), np.array([bench.STEPS - 1]), []
    u, v = np.full(p.x.shape[1], bench.U0), np.zeros(p.x.shape[1])
    for each in bench.grid():
        radius = () if each.method == "gd" else (each.rho,)
        with np.errstate(all="ignore"):
            loop = loops[each.method]
            out.append(loop(*p, each.gamma, u, v, kept, bench.STEPS, *radius)[1][-1])
    return np.array(out)


def main(side, result):
    np.save(result, ours() if side == "ours" else theirs(side))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""How far the losses of 1-SAM in two coordinates are apart, over the distance of the radius to collapse."""

import matplotlib.pyplot as plt
import numpy as np

from figures.style import BOUND

RADII = ("#0072B2", "#009E73", "#E69F00", "#D55E00")
MARK = ("o", "s", "^", "D")
LEAST = 1e-16


def draw(table):
    figure, axes = plt.subplots(1, 3, figsize=(10.2, 3.4), sharey=True)
    for axis, column in zip(axes, ("apart", "moved", "multiplied_moved"), strict=True):
        for (rho, rows), colour, mark in zip(table.groupby("rho"), RADII, MARK, strict=False):
            rows = rows[np.isfinite(rows[column])]
            axis.plot(
                rows.rho / rows.critical,
                np.maximum(rows[column], LEAST),
                mark,
                ms=3,
                color=colour,
                label=rf"$\rho = {rho:g}$",
            )
        axis.axvline(1, color=BOUND, lw=0.8, ls=":")
        axis.set(yscale="log", xlabel=r"$\rho\,/\,\rho_c$")
    axes[0].set_ylabel("relative difference of the test loss")
    axes[0].set_title("$u, v$ against $u + v$, $u - v$")
    axes[1].set_title("$u, v$: one rounding of $u_0$")
    axes[2].set_title("$u + v$, $u - v$: one rounding of $u_0$")
    axes[0].legend(loc="upper left", handlelength=1)
    return figure

"""Where 1-SAM and n-SAM collapse: the training loss at the end over the radius and the size of the start."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

LEAST = 1e-8  # of the scale of colours


def draw(table):
    figure, axes = plt.subplots(1, 2, figsize=(8.8, 3.5), sharey=True)
    threshold = table.critical[table.method == "1-SAM"].iloc[0]
    for axis, (method, rows) in zip(axes, table.groupby("method"), strict=True):
        cells = rows.pivot(index="u0", columns="rho", values="relative")
        axis.set_facecolor("#BBBBBB")
        shown = np.clip(cells.to_numpy(), LEAST, 1)
        image = axis.pcolormesh(
            cells.columns / threshold,
            cells.index,
            np.where(np.isnan(cells), np.nan, shown),
            norm=LogNorm(LEAST, 1),
            cmap="cividis",
            shading="nearest",
            rasterized=True,
        )
        axis.set(yscale="log", xlabel=r"$\rho\,/\,\rho_c$ of 1-SAM")
        own = rows.critical.iloc[0] / threshold
        text = r"it collapses beyond $\rho_c$" if own == 1 else rf"its own threshold is ${own:.0f}\,\rho_c$"
        axis.set_title(f"{method}: {text}")
        if own == 1:
            axis.axvline(1, color="#D55E00", lw=1.4, ls=(0, (4, 1.6)))
        part = rows[(rows.relative > 0.01) & (rows.relative < 0.99)]
        axis.plot(part.rho / threshold, part.u0, ".", ms=3, color="black")
    axes[0].set_ylabel(r"start $u_0$")
    figure.colorbar(
        image,
        ax=axes,
        label="training loss over that of the zero network\n(grey: diverged; dots: it fits in part)",
        extend="min",
    )
    return figure

"""How often the largest entries are the true ones, over the radius: gradient descent, n-SAM and 1-SAM."""

import matplotlib.pyplot as plt

from figures.style import METHOD

ALPHA_MARK = ("o", "^")
ALPHA_DASH: tuple = ("-", (0, (4, 1.6)))
ASIDE = {"n-SAM": 0.97, "1-SAM": 1.03}  # so that bars do not cover each other


def draw(table):
    cells = table[table.kind == "cell"]
    rows, columns = sorted(cells.n.unique()), sorted(set(zip(cells.support, cells.d, strict=True)))
    figure, axes = plt.subplots(
        len(rows), len(columns), figsize=(2.5 * len(columns), 2.5 * len(rows)), sharex=True, squeeze=False
    )
    for row, n in zip(axes, rows, strict=True):
        for axis, (support, d) in zip(row, columns, strict=True):
            panel(axis, cells[(cells.n == n) & (cells.support == support) & (cells.d == d)])
            axis.set_title(f"{n:g} rows, {support:g} of {d:g} true")
    for axis in axes[-1]:
        axis.set_xlabel(r"radius $\rho$")
    for axis in axes[:, 0]:
        axis.set_ylabel("problems recovered")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=6, title="shaded, bars: exact 95 % intervals"
    )
    return figure


def panel(axis, cells):
    for k, (alpha, of_alpha) in enumerate(cells.groupby("alpha")):
        for method, rows in of_alpha.groupby("method", sort=False):
            share, low, high = rows.recovered / rows.problems, rows.low, rows.high
            style = {"color": METHOD[method], "ls": ALPHA_DASH[k % 2]}
            text = rf"{method}, $\alpha = {alpha:g}$"
            if method == "GD":
                axis.axhspan(low.iloc[0], high.iloc[0], color=METHOD[method], alpha=0.1, lw=0)
                axis.axhline(share.iloc[0], label=text, lw=1.1, **style)
            else:
                bars = [share - low, high - share]
                axis.errorbar(
                    rows.rho * ASIDE[method],
                    share,
                    bars,
                    label=text,
                    marker=ALPHA_MARK[k % 2],
                    ms=3.2,
                    lw=1.1,
                    elinewidth=0.7,
                    **style,
                )
    radii = sorted(cells.rho[cells.rho > 0].unique())
    top = max(cells.high.max(), 0.2)
    axis.set(xscale="log", ylim=(-0.03 * top, 1.05 * top))
    axis.set_xticks(radii, [f"{radius:g}" for radius in radii])
    axis.minorticks_off()

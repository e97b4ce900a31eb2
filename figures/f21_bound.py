"""The bound of f21 against the radius, against n, and the size of its term against the number of weights."""

import matplotlib.pyplot as plt

from figures.style import BOUND, TERM, TERM_DASH

LABEL = {"h": "Theorem 2", "tighter": "its proof, not simplified", "covering": "without the assumption"}


def draw(table):
    figure, axes = plt.subplots(1, 3, figsize=(9.8, 3.2))
    radius, examples = (table[table.kind == kind] for kind in ("radius", "examples"))
    size = table[table.kind == "size"]
    curves(axes[0], radius, "ratio")
    curves(axes[1], examples, "n")
    axes[0].set(xlabel=r"radius $\rho\,/\,\|w\|$", ylabel="error", title=rf"$n = {radius.n.iloc[0]}$")
    axes[1].set(xscale="log", xlabel=r"examples $n$", title=rf"$\rho = {examples.ratio.iloc[0]:g}\,\|w\|$")
    for axis in axes[:2]:
        axis.set_ylim(bottom=0)
    weights(axes[2], size[size.ratio == 1])
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def curves(axis, rows, over):
    """Error of the trained weights in two dimensions, and the bounds on it."""
    for name, label in LABEL.items():
        axis.plot(
            rows[over],
            rows.largest + rows[name],
            color=TERM[name],
            ls=TERM_DASH[name],
            label=rf"bound: {label}",
        )
    axis.fill_between(rows[over], rows.largest_low, rows.largest_high, color=BOUND, alpha=0.2, lw=0)
    axis.plot(rows[over], rows.largest, color=BOUND, lw=1.2, label=r"$\max_{\|e\|\leq\rho} L_S(w+e)$")
    axis.plot(rows[over], rows.risk, color="black", ls=(0, (1, 1)), label=r"$L_D(w)$")


def weights(axis, rows):
    grid = rows[rows.name.isna() | (rows.name == "")]
    for name in LABEL:
        axis.plot(grid.k, grid[name], color=TERM[name], ls=TERM_DASH[name])
    axis.axhspan(1, 2 * grid.h.max(), color="#F0F0F0", lw=0, zorder=0)
    axis.text(grid.k.min(), 1.15, " it says nothing", color=BOUND, fontsize=8)
    nets = rows.drop(grid.index)
    axis.plot(nets.k, nets.h, "o", ms=4, color=TERM["h"])
    for net in nets.itertuples():
        axis.annotate(net.name, (net.k, net.h), (-6, 3), textcoords="offset points", ha="right", fontsize=7.5)
    axis.set(
        xscale="log",
        yscale="log",
        xlabel=r"weights $k$",
        ylabel="term of the bound",
        title=rf"$n = {rows.n.iloc[0]}$, $\rho = \|w\|$",
        ylim=(grid[list(LABEL)].min().min() / 1.3, 1.5 * grid.h.max()),
        xlim=(grid.k.min(), grid.k.max()),
    )

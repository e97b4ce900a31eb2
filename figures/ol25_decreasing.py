"""Constant (full) against decreasing (dashed) steps: paths, exact means at lam = 0, and their bounds."""

import matplotlib.pyplot as plt

from figures.style import BOUND, SCHEDULE, colour, label


def draw(table):
    sizes = sorted(table.n.unique(), reverse=True)
    figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.1))
    for axis, size in zip(axes, sizes, strict=False):
        paths(axis, table[table.n == size])
        axis.set_title(f"n = d = {size}, {counted(table[table.n == size])}")
    of_first = table[(table.n == sizes[0]) & (table.kind == "sampled") & (table.path == 0) & (table.step > 0)]
    for (lam, name), rows in of_first.groupby(["lam", "steps"]):
        axes[2].plot(rows.step, rows.relative_bound, ls=SCHEDULE[name], color=colour(lam), lw=1.0)
    axes[2].set_title(f"bounds, n = d = {sizes[0]}", color=BOUND)
    for axis in axes:
        axis.set(xscale="log", yscale="log", xlabel="step")
    axes[0].set_ylabel(r"$(f(w_t) - f^\star)\,/\,(f(w_0) - f^\star)$")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside right center", title="full: constant steps\ndashed: decreasing"
    )
    return figure


def paths(axis, table):
    for (lam, name), rows in table[table.step > 0].groupby(["lam", "steps"]):
        band = rows[rows.kind == "sampled"].groupby("step").relative_gap.quantile([0.0, 0.5, 1.0]).unstack()
        axis.fill_between(band.index, band[0.0], band[1.0], color=colour(lam), alpha=0.2, lw=0)
        axis.plot(
            band.index,
            band[0.5],
            ls=SCHEDULE[name],
            color=colour(lam),
            lw=1.0,
            label=label(lam) if name == "constant" else None,
        )
        exact = rows[rows.kind == "exact"]
        if len(exact):
            axis.plot(exact.step, exact.relative_gap, ls=SCHEDULE[name], color="black", lw=0.8, zorder=3)
    axis.plot([], [], color="black", lw=0.8, label=r"exact mean, $\lambda = 0$")


def counted(table):
    count = int(table.path.max()) + 1
    return "one path" if count == 1 else f"median of {count} paths"

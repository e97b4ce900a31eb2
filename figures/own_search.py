"""Two open questions: how far Huber's value is the worst on convex functions, and the factor under PL."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

from figures.style import BOUND, ORDER

SHADES = matplotlib.colormaps["viridis"]
STEP = ORDER[0.0], ORDER[1.0]


def draw(table):
    figure, axes = plt.subplots(1, 2, figsize=(9.4, 3.9))
    kinds = dict(tuple(table.groupby("kind")))
    edges(axes[0], kinds["edge"], kinds["convex"])
    pl = kinds["pl"]
    curvature = np.sort(pl.mu.unique())[len(pl.mu.unique()) // 2]
    under_pl(axes[1], pl[pl.mu == curvature], curvature)
    return figure


def edges(axis, edge, convex):
    horizons = sorted(edge.steps.unique())
    shade = dict(zip(horizons, SHADES(np.linspace(0.15, 0.75, len(horizons))), strict=True))
    line = edge.drop_duplicates("rho")
    axis.fill_between(line.rho, 0, line.proved, color="#E4E4E4", lw=0, label="proved within a factor 2")
    for count, rows in edge.groupby("steps"):
        axis.plot(rows.rho, rows.gamma, color=shade[count], label=f"the end for $T = {count:g}$")
    axis.plot(line.rho, line.claimed, color=BOUND, ls=(0, (4, 1.6)), label=r"$1/(1+\rho L)$, conjectured")
    label = f"no difference above {tenth(convex.excess.abs().max())}"
    axis.plot(convex.rho, convex.gamma, ".", ms=4, color=BOUND, label=label)
    axis.set(xlabel=r"$\rho L$", ylabel=r"$\gamma L$", xlim=(0, line.rho.max()), ylim=(0, None))
    axis.set_title("convex: steps with Huber's function as the worst")
    axis.legend(loc="upper right")


def tenth(number):
    """A power of ten that is not below."""
    return rf"$10^{{{int(np.ceil(np.log10(number)))}}}$"


def under_pl(axis, rows, curvature):
    """For the shortest and the longest step."""
    for colour, gamma in zip(STEP, sorted({rows.gamma.min(), rows.gamma.max()}), strict=False):
        each = rows[rows.gamma == gamma]
        unit = gamma * curvature
        low, high = (1 - each.value) / unit, (1 - each.quadratic) / unit
        axis.fill_between(each.rho, low, high, color=colour, alpha=0.22, lw=0)
        axis.plot(each.rho, low, color=colour, label=rf"$\gamma L = {gamma:g}$")
        axis.plot(each.rho, high, color=colour, lw=0.8)
        axis.plot(each.rho, (1 - each.claimed) / unit, color=colour, ls=(0, (4, 1.6)))
    axis.plot([], [], color=BOUND, ls=(0, (4, 1.6)), label="the descent lemma")
    axis.fill_between([], [], color=BOUND, alpha=0.22, lw=0, label="open: relaxation to quadratics")
    axis.set(xlabel=r"$\rho L$", ylabel=r"what $f - f^\star$ falls by, over $\gamma\mu$", ylim=(0, None))
    axis.set_title(rf"PL: the worst of a step, $\mu/L = {curvature:g}$")
    axis.legend(loc="lower left")

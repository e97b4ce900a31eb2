"""Bounds of ol25 and af22 on full-batch steps beside the worst of their class, and beside what was run."""

import matplotlib.pyplot as plt
import numpy as np

from figures.style import BOUND, ORDER

CLASS, INSTANCE = ORDER[0.0], ORDER[1.0]
SHARPER = "af22/deterministic_pl_sharper"
PROMISED = {"marker": "D", "ms": 4.5, "color": BOUND, "ls": ""}
SHARP = PROMISED | {"ms": 6.5, "mfc": "none"}


def draw(table):
    bounds = table[table.kind == "bound"]
    figure, axes = plt.subplots(1, 3, figsize=(12.0, 4.6), width_ratios=(1.25, 1.0, 1.1))
    under_pl(axes[0], bounds[bounds.which == "bracket"])
    without(axes[1], bounds[bounds.which == "exact"])
    normalised(axes[2], table[table.kind == "curve"])
    return figure


def under_pl(axis, rows):
    """What f - f* falls by in a step over gamma mu."""
    rows = rows[rows.statement.str.startswith("af22") | (rows.statement == "ol25/deterministic")]
    sharper = rows[rows.statement == SHARPER].set_index("case").bound
    rows = rows[rows.statement != SHARPER].iloc[::-1].reset_index(drop=True)
    names = []
    for place, each in rows.iterrows():
        unit = each.gamma * each.pl
        ends = [(1 - each.high) / unit, (1 - each.low) / unit]
        axis.plot(ends, [place] * 2, color=CLASS, lw=5, alpha=0.45, solid_capstyle="butt")
        axis.plot((1 - each.bound) / unit, place, **PROMISED)
        if each.case in sharper:
            axis.plot((1 - sharper[each.case]) / unit, place, **SHARP)
        axis.plot((1 - each.instance) / unit, place, "o", ms=6.5, mfc="none", mec=INSTANCE, mew=1.3)
        function = each.case.split(", ")[0]
        function = function if each.statement.startswith("af22") else f"OL25, {function}"
        names.append(f"{function}\n{sizes_of(each)}")
    axis.plot([], [], **PROMISED, label="the theorem")
    axis.plot([], [], **SHARP, label="the sharper one (AF22)")
    axis.plot([], [], color=CLASS, lw=5, alpha=0.45, label="the worst of the class: between")
    axis.plot([], [], "o", ms=6.5, mfc="none", mec=INSTANCE, mew=1.3, label="the function that was run")
    axis.set_yticks(range(len(names)), names, fontsize=6.5, linespacing=1.0)
    axis.set(xlim=(0, None), xlabel=r"what $f - f^\star$ falls by in a step, over $\gamma\mu$")
    axis.set_title("under PL: a bracket")
    axis.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.05), ncols=2, borderaxespad=0)


def sizes_of(each):
    length, reach = each.gamma * each.smoothness, each.rho * each.smoothness
    return rf"$\gamma L = {length:.3g}$, $\rho L = {reach:.3g}$"


def without(axis, rows):
    rows = rows.iloc[::-1].reset_index(drop=True)
    names = []
    for place, each in rows.iterrows():
        ends = each.bound / each.gamma, each.high / each.gamma
        axis.plot(ends, [place] * 2, color="#CFCFCF", lw=0.8, zorder=0)
        axis.plot(ends[1], place, "s", ms=6, color=CLASS, alpha=0.75)
        axis.plot(ends[0], place, **PROMISED)
        names.append(f"{each.statement.split('/')[0].upper()}\n{sizes_of(each)}")
    axis.plot([], [], **PROMISED, label="the theorem")
    axis.plot([], [], "s", ms=6, color=CLASS, alpha=0.75, label="the worst of the class")
    axis.set_yticks(range(len(names)), names, fontsize=6.5, linespacing=1.0)
    axis.set(xlim=(0, None), xlabel=r"what $f$ falls by in a step, over $\gamma\|g\|^2$")
    axis.set_title("smooth: exact")
    axis.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.05), ncols=2, borderaxespad=0)


def normalised(axis, curves):
    """Factors against the gradient norm in units of that on the limit cycle, for the largest lam."""
    lam = curves.lam.max()
    rows = curves[curves.lam == lam]
    colour = ORDER[lam]
    axis.plot(rows["size"], rows.bound, color=BOUND, ls=(0, (4, 1.6)), label="the theorem (OL25), there")
    band = {"color": colour, "alpha": 0.25, "lw": 0}
    axis.fill_between(rows["size"], rows.low, rows.high, **band, label="under PL: between")
    axis.plot(rows["size"], rows.low, color=colour, label="strongly convex: exact")
    axis.axhline(1, color=BOUND, lw=0.6, ls=":")
    axis.axvline(1, color=BOUND, lw=0.6, ls=":")
    at = axis.get_xaxis_transform()
    axis.text(1.05, 0.02, "limit cycle", transform=at, fontsize=8, color=BOUND)
    axis.set(xscale="log", yscale="log", xlabel=r"$\|g\|$ over that on the limit cycle")
    axis.set(ylabel=r"factor of $f - f^\star$ in a step", xlim=(rows["size"].min(), rows["size"].max()))
    axis.set_ylim(0.5, 10 ** np.ceil(np.log10(rows.bound.max())))
    axis.set_title(rf"$\lambda = {lam:g}$: where a quadratic is worst")
    axis.legend(loc="upper right")

"""What one ascent misses of the inner maximum, over the radius, in the balls of p = 1, 2 and inf."""

import matplotlib.pyplot as plt
import numpy as np

from figures.style import BOUND, NORM, NORM_DASH

TITLE = {
    "quadratic": "a convex quadratic",
    "near a minimum": "the same, gradient 100 times smaller",
    "net": "a tanh net",
}
LEAST = 1e-8  # shares below are rounding


def draw(table):
    table = table.assign(p=[f"{float(p):g}" for p in table.p])
    figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.5), sharey=True)
    for axis, (kind, title) in zip(axes, TITLE.items(), strict=True):
        for p, rows in table[table.kind == kind].groupby("p", sort=False):
            label = r"$p=\infty$" if p == "inf" else rf"$p={p}$"
            low, high = (1 - rows["first"] / rows[end] for end in ("lower", "upper"))
            style = {"color": NORM[p], "ls": NORM_DASH[p]}
            if kind == "net":
                axis.plot(rows.rho, high, lw=0.8, **style)
                if p == "2":
                    axis.fill_between(rows.rho, low, high, color=NORM[p], alpha=0.15, lw=0)
            shown = low.where(low > LEAST)
            axis.plot(rows.rho, shown, label=label, **style)
            if shown.isna().any() and shown.notna().any() and p != "2":
                first = shown.first_valid_index()
                axis.plot(rows.rho[first], shown[first], "o", ms=4, color=NORM[p])
        axis.set(xscale="log", yscale="log", xlabel=r"radius $\rho$", title=title, ylim=(LEAST, 10))
    radii = np.array([2e-3, 3e-2])
    axes[0].plot(radii, 0.02 * radii**2, color=BOUND, lw=0.8)
    axes[0].annotate(r"$\rho^2$", (radii[1], 0.02 * radii[1] ** 2), (3, -3), textcoords="offset points")
    axes[0].set_ylabel("share of the maximum\nthat one ascent misses")
    axes[0].legend(loc="lower right")
    notes = ("left of a dot it misses nothing", "", "thin: at most; thick: at least, for $p=2$")
    for axis, note in zip(axes, notes, strict=True):
        axis.text(0.02, 0.95, note, transform=axis.transAxes, color=BOUND, fontsize=8)
    return figure

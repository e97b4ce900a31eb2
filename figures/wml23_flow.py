"""SAM along the minimisers: a bouncing run, two paths with the slow flow on top, and the errors."""

import matplotlib.pyplot as plt
import numpy as np

from figures.style import BOUND, METHOD, ORDER

SAM, FLOW, LIMITING = ORDER[1.0], "black", METHOD["SGD"]
SHADE = [ORDER[0.0], ORDER[0.25], ORDER[0.5], ORDER[0.75]]
MARK = {"pair": "o", "chain": "s", "network": "^", "matrix": "D"}
NAME = {
    "pair": "two weights",
    "chain": "three weights",
    "network": "diagonal network",
    "matrix": "matrix factorisation",
}


def draw(table):
    figure, axes = plt.subplots(2, 2, figsize=(8.6, 6.6))
    hyperbola(axes[0, 0], table[table.panel == "hyperbola"])
    path(axes[0, 1], table[table.panel == "chain"], r"three weights, $w_1 w_2 w_3 = 1$")
    path(axes[1, 0], table[table.panel == "matrix"], r"two factors, $UV^\top = Y$: singular values")
    errors(axes[1, 1], table[table.panel == "error"])
    return figure


def hyperbola(axis, rows):
    run, down, slow = (rows[rows.kind == kind] for kind in ("iterate", "gradient flow", "slow flow"))
    a = np.linspace(rows.a.min() - 0.05, rows.a.max() + 0.15, 300)
    axis.plot(a, 1 / a, color=BOUND, lw=0.7, label=r"$ab = 1$")
    axis.plot(run.a, run.b, ".", ms=2.6, color=SAM, alpha=0.7, label="SAM, every step")
    axis.plot(run.a[:6], run.b[:6], color=SAM, lw=0.5)
    axis.plot(down.a, down.b, color=ORDER[0.0], ls=(0, (4, 1.6)), label="gradient flow")
    axis.plot(slow.a, slow.b, color=FLOW, lw=1.8, label="slow flow")
    for x, y in ((run.a.iloc[0], run.b.iloc[0]), (slow.a.iloc[-1], slow.b.iloc[-1])):
        axis.plot(x, y, "o", ms=5, mfc="white", mec="black", mew=0.9, zorder=5)
    axis.set(xlabel="$a$", ylabel="$b$", xlim=(a[0], a[-1]))
    axis.set_title(rf"two weights: descent, then drift, $\rho = {run.rho.iloc[0]:g}$")
    axis.legend(loc="upper left", bbox_to_anchor=(0.02, 0.98), markerscale=2.4)


def path(axis, rows, title):
    for (name, part), colour in zip(rows.groupby("coordinate", sort=False), SHADE, strict=False):
        seen, finite, limiting = (part[part.kind == kind] for kind in ("limit", "finite", "limiting"))
        axis.plot(seen.slow_time, seen.value, "o", ms=3.4, mfc="none", mew=0.9, color=colour)
        axis.plot(finite.slow_time, finite.value, color=colour, lw=1.5)
        axis.plot(limiting.slow_time, limiting.value, color=colour, lw=1.0, ls=(0, (2, 1.6)))
        start = (finite.slow_time.iloc[0], finite.value.iloc[0])
        axis.annotate(
            f"${name}$",
            start,
            xytext=(-6, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            color=colour,
        )
    axis.plot([], [], "o", ms=3.4, mfc="none", mew=0.9, color="black", label=r"$\Phi(w_t)$ of SAM")
    axis.plot([], [], color="black", lw=1.5, label=r"flow at the finite step")
    axis.plot([], [], color="black", lw=1.0, ls=(0, (2, 1.6)), label=r"limiting flow, $\gamma \to 0$")
    axis.set(xlabel=r"slow time $\gamma\rho^2 t$", title=title)
    axis.set_xticks(np.arange(0, rows.slow_time.max(), 0.5))
    axis.set_xlim(left=-0.22 * rows.slow_time.max())
    axis.legend(loc="best")


def errors(axis, rows):
    for (name, part), colour in zip(rows.groupby("model", sort=False), SHADE, strict=False):
        for kind, ls, fill in (("finite", "-", colour), ("limiting", (0, (2, 1.6)), "none")):
            each = part[part.kind == kind].sort_values("rho")
            label = NAME[name] if kind == "finite" else None
            axis.plot(each.rho, each.off, ls=ls, marker=MARK[name], ms=4, mfc=fill, color=colour, label=label)
    radii = np.sort(rows.rho.unique())[:3]
    low = rows[rows.kind == "finite"].off.min() / 2.5
    axis.plot(radii, low * (radii / radii[0]) ** 2, color=BOUND, lw=0.8)
    axis.annotate(
        "slope 2",
        (radii[1], low * (radii[1] / radii[0]) ** 2),
        xytext=(6, -8),
        textcoords="offset points",
        color=BOUND,
    )
    axis.set(
        xscale="log",
        yscale="log",
        xlabel=r"radius $\rho$",
        ylabel=r"$|\Phi - X|$ over the length of the flow",
    )
    axis.set_xticks(rows.rho.unique(), [f"{rho:g}" for rho in rows.rho.unique()])
    axis.minorticks_off()
    axis.set_title("full: flow at the finite step; dashed: limiting flow")
    axis.legend(loc="lower right")

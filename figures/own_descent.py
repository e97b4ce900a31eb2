"""A step of full-batch SAM cannot raise a convex loss beyond the gradient of its limit cycle."""

import matplotlib.pyplot as plt

from figures.style import BOUND, ORDER

FUNCTION = {
    "quadratic": (ORDER[0.0], "o", "-"),
    "wedge": (ORDER[1.0], "s", (0, (4, 1.6))),
    "logistic": (ORDER[0.5], "^", (0, (1, 1))),
}


def draw(table):
    figure, axes = plt.subplots(1, 2, figsize=(9.6, 3.8), width_ratios=(1.15, 1))
    kinds = dict(tuple(table.groupby("kind")))
    change(axes[0], kinds["change"], kinds["limit"])
    runs(axes[1], kinds["run"])
    return figure


def change(axis, rows, limit):
    for name, of in rows.groupby("function", sort=False):
        colour, marker, _ = FUNCTION[name]
        axis.plot(
            of["size"], of.ratio, marker, ms=2.2, color=colour, alpha=0.35, mew=0, label=name, rasterized=True
        )
    axis.plot(limit["size"], limit.ratio, color="black", lw=1.3, label=r"$Q$ at the radius $\rho/\|g\|$")
    axis.axhline(1, color=BOUND, lw=0.7, ls=":")
    axis.axvline(1, color=BOUND, lw=1.0, ls=(0, (4, 1.6)))
    axis.annotate(r"$\|g\|=g_c$", (1, 2e-3), xytext=(4, 0), textcoords="offset points", color=BOUND)
    axis.set(xscale="log", yscale="log", xlim=(0.025, 40), ylim=(1e-3, 1e3))
    axis.set(xlabel=r"$\|g\|\,/\,g_c$", ylabel=r"$(f(x^+)-f^\star)\,/\,(f(x)-f^\star)$")
    axis.set_title("one step from many states: above 1 only left of the line")
    legend = axis.legend(loc="upper right", markerscale=2.5)
    for handle in legend.legend_handles:
        handle.set_alpha(1)


def runs(axis, rows):
    for name, of in rows.groupby("function", sort=False):
        colour, _, dash = FUNCTION[name]
        axis.plot(of.step, of.gap / of.level, color=colour, ls=dash, label=name)
        beyond = of[of["size"] > 1 + 1e-6]  # on the cycle it is 1 to rounding
        axis.plot(beyond.step, beyond.gap / beyond.level, "o", ms=2.6, color=colour)
    axis.axhline(1, color=BOUND, lw=1.0, ls=(0, (4, 1.6)))
    axis.annotate(r"$V$", (rows.step.max(), 1), xytext=(-4, 4), textcoords="offset points", color=BOUND)
    axis.set(yscale="log", xlim=(0, rows.step.max()), xlabel="step", ylabel=r"$(f(x_t)-f^\star)\,/\,V$")
    axis.set_title(r"runs of SAM; dots while $\|g\|\geq g_c$")
    axis.legend(loc="upper right")

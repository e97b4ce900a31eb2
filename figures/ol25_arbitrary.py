"""L_max is not enough for arbitrary sampling: an exact counter-example, its onset, and a random search."""

import matplotlib.pyplot as plt
import numpy as np

from figures.style import BOUND, colour, label

FORM = {"old": "#CC79A7", "new": "#0072B2", "B": "#333333"}
NEAR_SAM = {0.9: (0, (5, 1.5)), 0.99: (0, (1.5, 1.2))}  # their colours are close to that of SAM
STEPS = {"old": r"old pair, $L_{\max}$", "new": r"new pair, $L_{\max}$", "B": r"form B, $\ell$"}


def draw(table):
    figure, axes = plt.subplots(2, 2, figsize=(9.0, 6.4))
    figure.set_layout_engine("constrained", hspace=0.07, wspace=0.05)
    example(axes[0, 0], table[table.kind == "time"], "step")
    example(axes[0, 1], table[table.kind == "onset"], "eps")
    found = table[(table.kind == "search") & (table.signs == "positive")]
    count = table[(table.kind == "count") & (table.signs == "positive")]
    violations(axes[1, 0], found[found.constant == "L_max"], count[count.constant == "L_max"])
    decreases(axes[1, 1], found[found.constant == "ell"], count[count.constant == "ell"])
    return figure


def example(axis, rows, across):
    for form, line in rows.groupby("form", sort=False):
        axis.plot(line[across], line.value, color=FORM[form], label=STEPS[form])
        axis.plot(line[across], line.bound, color=FORM[form], lw=0.9, ls=":")
    axis.set(xscale="log", yscale="log", ylim=(0.05, 1e16), ylabel=r"$\mathbb{E}f(x_t)$, exact")
    if across == "step":
        axis.set(xlabel=r"step $t$")
        axis.set_title(
            rf"all functions at once with probability $\epsilon = {power(rows.eps.iloc[0])}$, else none"
        )
        axis.legend(title="dotted: bound", loc="upper left", title_fontsize=8, alignment="left")
        return
    axis.set(xlabel=r"$\epsilon$")
    axis.set_title(r"the same at $t = 1/\epsilon$; dots: above its bound from here on")
    for form, line in rows[rows.constant == "L_max"].groupby("form"):
        first = line[line.value > line.bound].iloc[0]  # rows run from large eps to small
        text = rf"{STEPS[form]}: $\epsilon = {first.eps * 1e4:.1f} \cdot 10^{{-4}}$"
        axis.plot(first.eps, first.value, "o", ms=4.5, color=FORM[form], label=text)
    axis.legend(loc="upper right")


def power(value):
    return f"10^{{{round(np.log10(value))}}}"


def curves(axis, found, count):
    for lam, rows in found.groupby("lam"):
        of = count[count.lam == lam]
        text = f"{label(lam)}: {of.violations.sum():,.0f} of {of.draws.sum():,.0f} false"
        axis.plot(rows.ratio, rows["quantile"], color=colour(lam), ls=NEAR_SAM.get(lam, "-"), label=text)
    axis.axvline(1, color=BOUND, lw=0.8, ls=":")
    axis.set(xlabel="achieved over promised decrease", ylabel="share of the claims below")


def violations(axis, found, count):
    """The few claims that fail: left of 1, on both sides of zero."""
    curves(axis, found, count)
    axis.set_xscale("symlog", linthresh=1, linscale=0.7)
    axis.set(yscale="log", ylim=(1e-4, 1), xlim=(-1e10, 1e3))
    axis.set_xticks([-1e8, -1e4, -1, 1, 1e2], ["$-10^8$", "$-10^4$", "$-1$", "$1$", "$10^2$"])
    axis.minorticks_off()
    axis.set_title(r"random search with $L_{\max}$, $v \geq 0$")
    axis.legend(loc="upper left")


def decreases(axis, found, count):
    curves(axis, found, count)
    axis.set(xlim=(0.8, 4), ylim=(0, 1))
    axis.set_title(r"the same problems and laws with $\ell$")
    axis.legend(loc="lower right")

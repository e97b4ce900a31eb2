"""m-sharpness of two trained nets, for every m that divides n, and how often one ascent breaks its order."""

import matplotlib.pyplot as plt

from figures.style import BOUND, METHOD, NORM

LINES = {"one step": ("one ascent", (0, (4, 1.6)), "s"), "linear": (r"$\rho\,\|g\|$", (0, (1, 1)), "^")}


def draw(table):
    figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.4))
    nets = table[table.kind == "net"]
    shown = sorted(nets.rho.unique())[-3:]
    shades = dict(zip(shown, (NORM["2"], NORM["1"], NORM["inf"])[-len(shown) :], strict=True))
    for axis, (method, rows) in zip(axes, nets.groupby("method"), strict=False):
        for rho, colour in shades.items():
            values = rows[rows.rho == rho].set_index("m")
            axis.fill_between(values.index, values.lower, values.upper, color=colour, alpha=0.25, lw=0)
            axis.plot(values.lower, color=colour, lw=1.2)
            for name, (_, dash, marker) in LINES.items():
                axis.plot(values[name], color=colour, ls=dash, lw=1, marker=marker, ms=3)
            axis.annotate(
                rf"$\rho={rho:g}$", (1, values.upper[1]), (2, 4), textcoords="offset points", color=colour
            )
        axis.set(xscale="log", yscale="log", xlabel="size $m$ of a group", title=f"net trained by {method}")
        sizes = sorted(rows.m.astype(int).unique())
        axis.set_xticks(sizes, map(str, sizes))
        axis.minorticks_off()
    low = min(axis.get_ylim()[0] for axis in axes[:2])
    high = max(axis.get_ylim()[1] for axis in axes[:2])
    for axis in axes[:2]:
        axis.set_ylim(low, 1.5 * high)
    axes[0].set_ylabel("mean rise over the groups")
    axes[0].fill_between([], [], [], color=BOUND, alpha=0.25, lw=0, label="the maximum lies here")
    for label, dash, marker in LINES.values():
        axes[0].plot([], [], color=BOUND, ls=dash, lw=1, marker=marker, ms=3, label=label)
    axes[0].legend(loc="lower left")
    failures(axes[2], table[table.kind == "pairs"])
    return figure


def failures(axis, pairs):
    chance = pairs.failed / pairs.draws
    axis.fill_between(pairs.rho, pairs.low, pairs.high, color=METHOD["1-SAM"], alpha=0.25, lw=0)
    axis.plot(pairs.rho, chance, color=METHOD["1-SAM"], marker="o", ms=3, label="one ascent")
    axis.plot(pairs.rho, pairs.exact_failed / pairs.draws, color=METHOD["GD"], ls="-", label="exact maxima")
    axis.axhline(0.5, color=BOUND, lw=0.7, ls=":")
    title = rf"order broken: share of {int(pairs.draws.iloc[0])} pairs"
    axis.set(xscale="log", xlabel=r"radius $\rho$", title=title, ylim=(-0.02, 0.55))
    axis.legend(loc="center left", bbox_to_anchor=(0, 0.75))

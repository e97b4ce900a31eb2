"""The older (dashed) and the newer (full) pair of steps: full batch, and one example a step, with bounds."""

import matplotlib.pyplot as plt

from figures.style import BOUND, PAIR, colour, label


def draw(table):
    figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.1))
    full, single = (table[table.problem == name] for name in ("full batch", "one example a step"))
    for (lam, pair), rows in full.groupby(["lam", "pair"]):
        axes[0].plot(rows.step, rows.relative_gap, ls=PAIR[pair], color=colour(lam), lw=1.2)
        axes[2].plot(rows.step, rows.relative_bound, ls=PAIR[pair], color=colour(lam), lw=1.0)
    for (lam, pair), rows in single[single.step > 0].groupby(["lam", "pair"]):
        path, exact = rows[rows.kind == "sampled"], rows[rows.kind == "exact"]
        axes[1].plot(
            path.step,
            path.relative_gap,
            ls=PAIR[pair],
            color=colour(lam),
            lw=1.0,
            label=label(lam) if pair == "new" else None,
        )
        if len(exact):
            axes[1].plot(exact.step, exact.relative_gap, ls=PAIR[pair], color="black", lw=0.8)
    axes[1].plot([], [], color="black", lw=0.8, label=r"exact mean, $\lambda = 0$")
    axes[1].set_xlim(left=single[single.kind == "sampled"].step.replace(0, float("inf")).min())
    for axis, title in zip(
        axes, ("full batch", "one example a step: a path", "full batch: bounds"), strict=True
    ):
        axis.set(xscale="log", yscale="log", xlabel="step", title=title)
    axes[2].title.set_color(BOUND)
    axes[0].set_ylabel(r"$(f(w_t) - f^\star)\,/\,(f(w_0) - f^\star)$")
    handles, labels = axes[1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", title="full: newer pair\ndashed: older pair")
    return figure

"""lambda_1 and trace of a diagonal network under four methods, in slow time, with the two flows on top."""

import matplotlib.pyplot as plt

from figures.style import METHOD, ORDER

COLOUR = {"SAM": METHOD["n-SAM"], "1-SAM": METHOD["1-SAM"], "USAM": ORDER[0.5], "GD": METHOD["GD"]}
DASH = {"SAM": "-", "1-SAM": "-", "USAM": (0, (4, 1.6)), "GD": (0, (1, 1.2))}
LABEL = {"top": r"$\lambda_1$ at $\Phi(w_t)$", "trace": r"trace at $\Phi(w_t)$"}


def draw(table):
    figure, axes = plt.subplots(1, 2, figsize=(9.2, 3.3))
    runs, flows = table[table.kind == "run"], table[table.kind == "flow"]
    for axis, (column, label) in zip(axes, LABEL.items(), strict=True):
        for method in COLOUR:
            rows = runs[runs.method == method].groupby("slow_time")[column]
            middle, low, high = rows.median(), rows.min(), rows.max()
            axis.fill_between(middle.index, low, high, color=COLOUR[method], alpha=0.2, lw=0)
            axis.plot(middle.index, middle, color=COLOUR[method], ls=DASH[method], lw=1.8, label=method)
        for _, rows in flows.groupby("method"):
            axis.plot(rows.slow_time, rows[column], color="black", lw=0.9, ls=(0, (1, 1.4)))
        axis.set(xlabel=r"slow time $\gamma\rho^2 t$", ylabel=label)
    axes[0].plot([], [], color="black", lw=0.9, ls=(0, (1, 1.4)), label=r"slow flow from $\Phi(w_0)$")
    rest = table.iloc[0]
    title = rf"$\gamma = {rest.gamma:g}$, $\rho = {rest.rho:g}$"
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", title=title)
    return figure

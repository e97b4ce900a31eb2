"""The printed losses of the public notebook against a run anew, row by row."""

import matplotlib.pyplot as plt
import numpy as np

from figures.style import BOUND, METHOD

NAME = {"gd": "GD", "sgd": "SGD", "nsam": "n-SAM", "1sam": "1-SAM"}
MARK = {"GD": "s", "SGD": "D", "n-SAM": "^", "1-SAM": "o"}
LEAST = 1e-16  # an equal number is drawn there


def draw(table):
    figure, axes = plt.subplots(1, 2, figsize=(9.2, 3.4), width_ratios=(2.2, 1), sharex=False)
    main = table[(table.coordinates == "u, v") & table.printed.notna()]
    axes[0].plot(
        main["row"],
        np.maximum(10 * main.sensitivity, LEAST),
        "_",
        ms=7,
        color=BOUND,
        label="ten times one rounding of $u_0$",
    )
    for method, rows in main.groupby("method", sort=False):
        name = NAME[method]
        axes[0].plot(
            rows["row"], np.maximum(rows.difference, LEAST), MARK[name], ms=4, color=METHOD[name], label=name
        )
    axes[0].axhline(1e-6, color=BOUND, lw=0.8, ls=":")
    axes[0].set(
        yscale="log", ylim=(LEAST / 2, 1e-4), xlabel="row of the notebook", ylabel="relative difference"
    )
    axes[0].set_title("printed loss against a run anew")
    axes[0].legend(loc="upper left", ncols=3, handlelength=1, columnspacing=1.2)
    fragile = table[table["row"] == table["row"][table.coordinates != "u, v"].iloc[0]]
    axes[1].barh(fragile.coordinates, fragile.found, color=METHOD["1-SAM"], height=0.55)
    axes[1].axvline(fragile.printed.iloc[0], color=BOUND, lw=0.9, ls=":")
    axes[1].set(xscale="log", xlabel="test loss (dotted: printed)", xlim=(1e-8, 1))
    axes[1].invert_yaxis()
    axes[1].set_title(f"row {fragile['row'].iloc[0]}: the loss is round-off")
    for place, value in enumerate(fragile.found):
        axes[1].annotate(
            f"{value:.3g}", (value, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8
        )
    return figure

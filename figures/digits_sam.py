"""SGD and SAM on digits: the top eigenvalue along training, spectrum and sharpness at the end, test error."""

import matplotlib.pyplot as plt
import numpy as np

from figures.style import BOUND, METHOD

# SAM's radii from the smallest to the largest, darker as they grow
SHADES = ("#F0B070", "#D55E00", "#7A2F00", "#3A1500")
MARKERS = ("D", "s", "^", "v")
NOTIONS = {
    "lambda_1": r"$\lambda_1$",
    "trace": r"$\mathrm{tr}\,H$",
    "worst": "worst\ndirection",
    "ascent": "ascent\ndirection",
    "average": "average\ndirection",
    "m_sharpness": "in groups",
    "adaptive": "adaptive,\n$T=|w|$",
}


def draw(table):
    figure = plt.figure(figsize=(9.6, 6.4))
    places = figure.subplot_mosaic([["along", "spectrum"], ["notions", "error"]], width_ratios=[1.75, 1])
    styles = of_methods(table)
    last = table[table.epoch == table.epoch.max()]
    along(places["along"], table, styles)
    spectrum(places["spectrum"], last, styles)
    notions(places["notions"], last, styles)
    error(places["error"], last, styles)
    return figure


def of_methods(table):
    """rho -> colour, marker, label."""
    radii = sorted(set(table.rho) - {0.0})
    shades = SHADES[-len(radii) :] if len(radii) > len(SHADES) - 1 else SHADES
    out = {0.0: (METHOD["SGD"], "o", "SGD")}
    for rho, shade, marker in zip(radii, shades, MARKERS, strict=False):
        out[rho] = (shade, marker, rf"SAM, $\rho = {rho:g}$")
    return out


def along(axis, table, styles):
    for rho, (colour, marker, label) in styles.items():
        each = table[table.rho == rho].groupby("epoch").lambda_1
        axis.fill_between(each.min().index, each.min(), each.max(), color=colour, alpha=0.18, lw=0)
        axis.plot(each.median().index, each.median(), color=colour, marker=marker, ms=4, label=label)
    epochs = sorted(set(table.epoch))
    axis.set(xscale="log", yscale="log", xlabel="epoch", ylabel=r"$\lambda_1$ of the Hessian")
    axis.set_xticks(epochs, [f"{epoch:g}" for epoch in epochs])
    axis.minorticks_off()
    axis.set_title(f"top eigenvalue along training: median and range of {table.seed.nunique()} seeds")
    axis.legend()


def spectrum(axis, last, styles):
    names = [name for name in last if name.startswith("lambda_") and name.removeprefix("lambda_").isdigit()]
    places = np.arange(1, len(names) + 1)
    for shift, (rho, (colour, marker, _)) in zip(spread(styles), styles.items(), strict=True):
        values = last[last.rho == rho][names]
        for row in values.to_numpy():
            axis.plot(places + shift, row, marker, ms=3, mew=0, color=colour, alpha=0.55)
        axis.plot(places + shift, values.median(), color=colour, lw=1)
    axis.set(xlabel="$k$", yscale="log", title=r"largest eigenvalues $\lambda_k$ at the end")
    axis.set_xticks(places)
    plain(axis.yaxis)


def spread(styles, width=0.36):
    return np.linspace(-width / 2, width / 2, len(styles))


def notions(axis, last, styles):
    """Of every net, over that of SGD from the same seed."""
    base = last[last.rho == 0].set_index("seed")
    radii = [rho for rho in styles if rho > 0]
    for shift, rho in zip(spread(radii, 0.44), radii, strict=True):
        colour, marker, _ = styles[rho]
        ours = last[last.rho == rho].set_index("seed")
        for place, name in enumerate(NOTIONS):
            ratios = ours[name] / base[name]
            spot = np.full(len(ratios), place + shift)
            axis.plot(spot, ratios, marker, ms=4, mew=0, color=colour, alpha=0.55)
            axis.plot(place + shift + np.array([-0.06, 0.06]), [ratios.median()] * 2, color=colour, lw=1.8)
    axis.axhline(1, color=BOUND, lw=0.8, ls=":")
    axis.annotate("as sharp as SGD", (len(NOTIONS) - 0.5, 1), (0, 3), textcoords="offset points", ha="right")
    axis.set(yscale="log", xlim=(-0.5, len(NOTIONS) - 0.5), title="sharpness at the end, over that of SGD")
    axis.set_xticks(range(len(NOTIONS)), NOTIONS.values())
    axis.tick_params(axis="x", length=0)
    plain(axis.yaxis)


def plain(axis):
    """Numbers as they are said, where a logarithmic axis spans little."""
    axis.set_major_locator(plt.FixedLocator([m * 10.0**k for k in range(-4, 4) for m in (1, 2, 3, 5)]))
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_locator(plt.NullLocator())


def error(axis, last, styles):
    for place, (rho, (colour, marker, _)) in enumerate(styles.items()):
        errors = 100 * (1 - last[last.rho == rho].test_accuracy)
        axis.plot(place + spread(errors, 0.3), errors, marker, ms=5, mew=0, color=colour, alpha=0.7)
        axis.plot([place - 0.28, place + 0.28], [errors.mean()] * 2, color=colour, lw=1.8)
    axis.set_xticks(range(len(styles)), ["SGD", *(f"{rho:g}" for rho in styles if rho > 0)])
    axis.set(
        xlabel=r"radius $\rho$", title="test error, %: each seed and the mean", xlim=(-0.5, len(styles) - 0.5)
    )
    axis.set_ylim(bottom=0)

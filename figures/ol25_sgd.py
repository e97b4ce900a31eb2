"""SGD with two constant steps and the decreasing one: ten paths, and the bounds."""

import matplotlib.pyplot as plt

LINE = {  # steps are no sampling and no lam: colours of their own
    "1 / (2 L_max)": ("#0072B2", r"$\gamma = 1/(2L_{\max})$"),
    "mu / (L_max (mu + 2 L_max))": ("#E69F00", r"$\gamma = \mu/(L_{\max}(\mu + 2L_{\max}))$"),
    "decreasing": ("#D55E00", r"$\gamma_t = \min\{1/(2L_{\max}), (2t+1)/((t+1)^2\mu)\}$"),
}


def draw(table):
    figure, axis = plt.subplots(figsize=(6.4, 3.4))
    for name, (colour, text) in LINE.items():
        rows = table[(table.steps == name) & (table.step > 0)]
        band = rows.groupby("step").relative_gap.quantile([0.0, 0.5, 1.0]).unstack()
        axis.fill_between(band.index, band[0.0], band[1.0], color=colour, alpha=0.25, lw=0)
        axis.plot(band.index, band[0.5], color=colour, label=text)
        bound = rows[rows.path == 0]
        axis.plot(bound.step, bound.relative_bound, color=colour, lw=0.7, alpha=0.9)
    axis.set(xscale="log", yscale="log", xlabel="step", ylabel=r"$(f(w_t) - f^\star)\,/\,(f(w_0) - f^\star)$")
    figure.legend(
        loc="outside lower center", ncols=2, title="range and median of ten paths; thin: bound on the mean"
    )
    return figure

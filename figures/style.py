"""What a colour and a dash mean, in every figure: colour is the method (lam), dash the sampling.

On diagonal networks the methods differ in the size of their groups: each has a colour and a dash. So have the
terms of a bound.

The colours are those of Okabe and Ito, told apart without hue by lightness too.
"""

from typing import Any

import matplotlib

ORDER = {0.0: "#0072B2", 0.25: "#56B4E9", 0.5: "#009E73", 0.75: "#E69F00", 1.0: "#D55E00"}
DASH = {"uniform": "-", "importance": (0, (4, 1.6))}
SCHEDULE = {"constant": "-", "decreasing": (0, (4, 1.6))}
PAIR = {"old": (0, (4, 1.6)), "new": "-"}
NAME = {0.0: "USAM", 1.0: "SAM"}
BOUND = "#555555"
METHOD = {
    "GD": "#333333",
    "SGD": "#999999",
    "n-SAM": "#0072B2",
    "n-SAM, normalised": "#56B4E9",
    "5-SAM": "#009E73",
    "1-SAM": "#D55E00",
}
METHOD_DASH: Any = {
    "GD": "-",
    "SGD": (0, (1, 1)),
    "n-SAM": (0, (4, 1.6)),
    "n-SAM, normalised": (0, (4, 1.6, 1, 1.6)),
    "5-SAM": (0, (6, 1.5, 1, 1.5, 1, 1.5)),
    "1-SAM": "-",
}
TERM = {"h": "#D55E00", "tighter": "#0072B2", "covering": "#009E73"}
TERM_DASH: Any = {"h": "-", "tighter": (0, (4, 1.6)), "covering": (0, (6, 1.5, 1, 1.5))}
NORM = {"1": "#009E73", "2": "#0072B2", "inf": "#D55E00"}  # of the ball of an ascent
NORM_DASH: Any = {"1": (0, (6, 1.5, 1, 1.5)), "2": "-", "inf": (0, (4, 1.6))}
# The direction of a sharpness penalty, and whether it is that of the whole loss or a mean over its samples.
NOTION = {"worst": "#D55E00", "ascent": "#0072B2", "average": "#009E73"}
NOTION_DASH: Any = {"whole": "-", "samples": (0, (4, 1.6))}

SETTINGS: Any = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 160,
    "svg.hashsalt": "samcheck",  # the same table draws the same file
    "svg.fonttype": "path",
}


def colour(lam):
    """The colour of a mixing value; between the named ones, from a map that runs from USAM's to SAM's."""
    named = min(ORDER, key=lambda known: abs(known - lam))
    if abs(named - lam) < 1e-12:
        return ORDER[named]
    return matplotlib.colors.LinearSegmentedColormap.from_list("lam", list(ORDER.values()))(lam)


def label(lam):
    """lam as the legend has it."""
    name = NAME.get(lam)
    return rf"$\lambda = {lam:g}$" + (f" ({name})" if name else "")

"""Draws the plots of the figures experiment (SPEC.md, CMP-79).

usage: plots.py OUT FORMAT FONT ANTIALIAS DPI

Writes OUT/KIND-CHANGE.FORMAT for each kind of plot: CHANGE is "base", or a
planted change that a reader of the paper must be told of. The data are made
by formulas, so that every version of matplotlib and numpy draws the same.
"""

import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

OUT, FORMAT, FONT, ANTIALIAS, DPI = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4] == "on", int(sys.argv[5])

plt.rcParams.update({
    "font.family": FONT, "savefig.dpi": DPI, "figure.dpi": 100,
    "lines.antialiased": ANTIALIAS, "patch.antialiased": ANTIALIAS,
    "svg.hashsalt": "figures",
})

X = np.linspace(0, 10, 60)
N = np.arange(40)
NOISE = np.modf(np.sin(N * 12.9898) * 43758.5453)[0]  # in place of a random generator


class Plot:
    """A figure on which one change may be planted."""

    def __init__(self, change):
        self.change = change
        self.fig, self.ax = plt.subplots(figsize=(6.4, 4.8))

    def __call__(self, change, changed, base):
        return changed if self.change == change else base

    def words(self, title, x, y):
        self.ax.set_title(title + self("title-digit", " (n = 188)", " (n = 138)"))
        self.ax.set_xlabel(x + self("unit", " (h)", " (s)"))
        self.ax.set_ylabel(y)

    def limits(self, x0, x1, y0, y1):
        self.ax.set_xlim(x0, x0 + (x1 - x0) * self("x-axis-2-percent", 1.02, 1))
        self.ax.set_ylim(y0, y0 + (y1 - y0) * self("y-axis-2-percent", 1.02, 1))


WORDS = ["title-digit", "unit"]
AXES = ["x-axis-2-percent", "y-axis-2-percent"]


def line(p):
    y = np.exp(-X / 5) * np.cos(X)
    p.ax.plot(X, y * p("curve-1-percent", 1.01, 1), label=p("legend-letter", "site e", "site c"))
    if p.change != "curve-gone":
        p.ax.plot(X, 0.4 * np.sin(X / 2), p("dashes", "-", "--"), label="site d")
    p.ax.text(6, 0.8, p("minus-lost", "r = 0.91", "r = \u22120.91"))
    p.limits(0, 10, -0.6, 1.1)
    p.words("Decay", "time", "signal")
    p.ax.legend(loc="upper right")


def scatter(p):
    x, y = N / 4.0, N / 5.0 + 2 * NOISE
    if p.change == "point-moved":
        y[17] += 0.3
    if p.change == "point-removed":
        x, y = np.delete(x, 11), np.delete(y, 11)
    colours = np.array(["C0"] * len(x))
    if p.change == "point-colour":
        colours[20] = "C1"
    p.ax.scatter(x, y, s=p("marker-size", 30, 18), c=list(colours), marker=p("marker", "s", "o"))
    p.ax.plot([0, 10], [0, p("fit-2-percent", 8.16, 8)], color="k", lw=1)
    p.limits(-0.5, 10.5, -2.5, 10.5)
    p.words("Calibration", "time", "response")
    p.ax.text(0, 9, p("annotation-digit", "y = 0.86 x", "y = 0.80 x"))


def bar(p):
    h = np.array([3.2, 5.1, 4.4, 6.0, 2.7])
    if p.change == "bar-to-zero":
        h[2] = 0
    if p.change == "bar-3-percent":
        h[3] *= 1.03
    p.ax.bar(np.arange(5), h, color=p("bar-colour", "C2", "C0"))
    p.ax.set_xticks(np.arange(5))
    p.ax.set_xticklabels(["A", "B", p("tick-letter", "G", "C"), "D", "E"])
    p.limits(-0.6, 4.6, 0, 7)
    p.words("Groups", "group", "mean")


def hist(p):
    v = np.concatenate([NOISE * 3, NOISE ** 3 * 2, [0.31] * p("count-plus-one", 3, 2)])
    p.ax.hist(v, bins=np.linspace(-3, 3, 13), color="0.7", edgecolor="k")
    if p.change != "line-gone":
        p.ax.axvline(0.2, color="r", lw=1.5)
    p.limits(-3, 3, 0, 22)
    p.words("Residuals", "residual", "count")


def heat(p):
    z = np.add.outer(np.sin(np.arange(10) / 2.0), np.cos(np.arange(12) / 3.0))
    if p.change == "heat-cell":
        z[4, 7] += 0.35
    m = p.ax.imshow(z, cmap=p("colour-map", "cividis", "viridis"), vmin=-2, vmax=p("colour-range", 2.1, 2), aspect="auto")
    p.fig.colorbar(m, label=p("unit", "power (W)", "power (V)"))
    p.ax.set_title("Field" + p("title-digit", " 7", " 1"))


def errorbar(p):
    x, y = np.arange(12), np.log(np.arange(12) + 1.0)
    e = 0.1 + 0.02 * x
    if p.change == "error-bar-halved":
        e[6] /= 2
    if p.change == "point-removed":
        x, y, e = np.delete(x, 4), np.delete(y, 4), np.delete(e, 4)
    if p.change == "point-moved":
        y[8] += 0.08
    p.ax.errorbar(x, y, yerr=e, fmt="o", capsize=3, label=p("legend-letter", "run b", "run h"))
    p.limits(-1, 12, -0.3, 3.2)
    p.words("Growth", "time", "log size")
    p.ax.legend(loc="lower right")


def box(p):
    groups = [NOISE + k * 0.3 for k in range(4)]
    groups[1] = np.append(groups[1], [3.1] if p.change != "outlier-gone" else [])
    if p.change == "median-moved":
        groups[2] = np.where(np.abs(groups[2] - np.median(groups[2])) < 0.35, groups[2] + 0.12, groups[2])
    p.ax.boxplot(groups)
    p.ax.axhline(0.5, ls=p("dashes", "--", ":"), color="0.3")
    p.limits(0.5, 4.5, -1.5, 3.6)
    p.words("Spread", "batch", "value")


def contour(p):
    x, y = np.meshgrid(np.linspace(-2, 2, 40), np.linspace(-2, 2, 40))
    z = np.exp(-x**2 - y**2 * p("peak-wider", 0.93, 1)) - 0.6 * np.exp(-(x - 1) ** 2 - (y - 0.8) ** 2)
    m = p.ax.contourf(x, y, z, levels=np.linspace(-0.6, 1, 9), cmap=p("colour-map", "plasma", "viridis"))
    p.ax.contour(x, y, z, levels=[p("level", 0.24, 0.2)], colors="w", linewidths=1)
    p.fig.colorbar(m)
    p.words("Density", "x", "y")


def pie(p):
    v = np.array([35.0, 25, 20, 12, 8])
    if p.change == "slice-2-percent":
        v += [2, -2, 0, 0, 0]
    labels = ["north", "south", "east", "west", p("label-letter", "nane", "none")]
    c = ["C0", "C1", "C2", "C3", "C4"]
    if p.change == "colours-swapped":
        c[1], c[2] = c[2], c[1]
    p.ax.pie(v, labels=labels, colors=c)
    p.ax.set_title("Share" + p("title-digit", " 2008", " 2003"))


def step(p):
    y = np.cumsum(NOISE > 0) / 20.0
    if p.change == "step-later":
        y[20] = y[19]
    p.ax.step(N, y * p("curve-1-percent", 1.01, 1), where="post", label=p("legend-letter", "drug", "drag"))
    if p.change != "curve-gone":
        p.ax.step(N, y * 0.6, where="post", color="C3", label="control")
    p.limits(0, 40, 0, 1.3)
    p.words("Survival", "time", "fraction")
    p.ax.legend(loc="upper left")
    p.ax.grid(True)


def fill(p):
    y = np.sin(X / 2) + 0.1 * X
    p.ax.fill_between(X, y - 0.3, y + 0.3 * p("band-10-percent", 1.1, 1), alpha=0.3)
    if p.change != "curve-gone":
        p.ax.plot(X, y * p("curve-1-percent", 1.01, 1))
    p.limits(0, 10, -0.8, 2.2)
    p.words("Band", "time", "level")
    p.ax.text(1, 1.9, p("annotation-digit", "p = 0.05", "p = 0.06"))


def panels(p):
    plt.close(p.fig)
    p.fig, axes = plt.subplots(2, 2, figsize=(6.4, 4.8))
    for k, ax in enumerate(axes.flat):
        y = np.sin(X * (k + 1) / 3)
        if k == 2 and p.change == "panel-other-sign":
            y = -y
        if not (k == 1 and p.change == "curve-gone"):
            ax.plot(X, y * (1.01 if k == 0 and p.change == "curve-1-percent" else 1), lw=1)
        ax.plot(X[::6], y[::6] * 0.8, ".", ms=5)
        ax.set_ylim(-1.2, 1.2)
        ax.set_title("abcd"[k] + (") 0.5 Hz" if k != 3 else p("title-digit", ") 0.8 Hz", ") 0.6 Hz")))
    p.fig.tight_layout()


PLOTS = {
    line: WORDS + AXES + ["legend-letter", "curve-1-percent", "curve-gone", "dashes", "minus-lost"],
    scatter: WORDS + AXES + ["point-moved", "point-removed", "point-colour", "marker-size", "marker", "fit-2-percent", "annotation-digit"],
    bar: WORDS + ["y-axis-2-percent", "bar-to-zero", "bar-3-percent", "bar-colour", "tick-letter"],
    hist: WORDS + AXES + ["count-plus-one", "line-gone"],
    heat: ["title-digit", "unit", "heat-cell", "colour-map", "colour-range"],
    errorbar: WORDS + AXES + ["error-bar-halved", "point-removed", "point-moved", "legend-letter"],
    box: WORDS + ["y-axis-2-percent", "outlier-gone", "median-moved", "dashes"],
    contour: WORDS + ["peak-wider", "colour-map", "level"],
    pie: ["title-digit", "slice-2-percent", "label-letter", "colours-swapped"],
    step: WORDS + AXES + ["curve-1-percent", "legend-letter", "curve-gone", "step-later"],
    fill: WORDS + AXES + ["band-10-percent", "curve-1-percent", "curve-gone", "annotation-digit"],
    panels: ["title-digit", "panel-other-sign", "curve-gone", "curve-1-percent"],
}

for draw, changes in PLOTS.items():
    for change in ["base"] + changes:
        p = Plot(change)
        draw(p)
        meta = {"Date": None} if FORMAT == "svg" else {"CreationDate": None} if FORMAT == "pdf" else None
        p.fig.savefig("%s/%s-%s.%s" % (OUT, draw.__name__, change, FORMAT), metadata=meta)
        plt.close(p.fig)

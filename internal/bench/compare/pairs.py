"""Writes a pair of files to be compared.

usage: pairs.py KIND PUBLISHED NEW
"""

import json
import sys

import numpy as np

kind, published, new = sys.argv[1:]
random = np.random.RandomState(7)


def hdf5(layout):
    import h5py

    values = random.normal(size=(25_000, 1_000)).astype("f4").astype("f8")
    how = {"chunks": (500, 1_000), "compression": "gzip", "compression_opts": 4, "shuffle": True} if layout == "packed" else {}
    for name, data in [(published, values), (new, values * (1 + np.float64(2) ** -38))]:
        with h5py.File(name, "w") as f:
            f.create_dataset("x", data=data, **how)


def png(what):
    from PIL import Image

    if what == "noise":
        a = random.randint(0, 256, size=(4_000, 4_000, 3)).astype("u1")
        b = a.copy()
        b[1_234, 567] ^= 1
        for name, data in [(published, a), (new, b)]:
            Image.fromarray(data).save(name, compress_level=1)
        return
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    x, y = random.normal(size=(2, 400))
    for name, moved in [(published, 0), (new, 0.5)]:
        fig, ax = plt.subplots(figsize=(10, 10), dpi=400)
        y[17] += moved
        ax.plot(np.sort(x), np.cumsum(y) / 20)
        ax.scatter(x, y)
        ax.set_title("residuals")
        fig.savefig(name)
        plt.close(fig)


def pdf():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.backends.backend_pdf import PdfPages

    for name in (published, new):
        with PdfPages(name) as pages:
            for k in range(50):
                r = np.random.RandomState(k)
                x, y = r.normal(size=(2, 60))
                if name == new and k == 30:
                    y[5] += 0.1
                fig, ax = plt.subplots()
                ax.plot(x, y, "o")
                ax.set_title("page %d" % k)
                pages.savefig(fig)
                plt.close(fig)


def notebook():
    def cell(k, changed):
        lines = ["step %d loss %.6f\n" % (i, np.exp(-i / 500) + k) for i in range(9_000)]
        if changed:
            lines[4_321] = "step 4321 loss 9.000000\n"
        return {"cell_type": "code", "execution_count": k + 1, "id": "c%d" % k, "metadata": {}, "source": ["train(%d)" % k],
                "outputs": [{"output_type": "stream", "name": "stdout", "text": lines}]}

    for name in (published, new):
        cells = [cell(k, name == new and k == 40) for k in range(70)]
        with open(name, "w") as f:
            json.dump({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, f)


family, _, rest = kind.partition("-")
{"hdf5": hdf5, "png": png, "pdf": pdf, "notebook": notebook}[family](*([rest] if rest else []))

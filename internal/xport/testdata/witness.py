"""Transport files of both versions, as ReadStat writes and reads them."""
import sys

import numpy as np
import pandas as pd
import pyreadstat
from answers import array, says, texts

folder = sys.argv[1]
rng = np.random.default_rng(12)


def marked(name, values):
    holes = np.isnan(values)
    out = [array(name, np.where(holes, 0, values))]
    if holes.any():
        out.append(array(name + " missing", np.frombuffer("".join("." if h else "-" for h in holes).encode(), "u1"), "bytes"))
    return out


for version, rows, width in ((5, 40, 9), (8, 40, 9), (5, 1, 3), (8, 7, 80), (5, 13, 80)):
    frame = pd.DataFrame({"X": (rng.standard_normal(rows) * 10.0 ** rng.integers(-60, 60, rows)), "N": rng.integers(-10**6, 10**6, rows).astype("f8"),
                          "T": ["w" * int(n) for n in rng.integers(1, width, rows)], "Z": np.where(rng.random(rows) < .3, np.nan, 0.1)})
    path = f"{folder}/{version}-{rows}-{width}.xpt"
    pyreadstat.write_xport(frame, path, file_format_version=version, table_name="DS", column_labels=["an x", None, None, None])
    read, _ = pyreadstat.read_xport(path)  # numbers lose up to three bits
    out = marked("DS.X", read.X.to_numpy()) + [texts("DS.X@label", ["an x"], [])] + marked("DS.N", read.N.to_numpy()) + [texts("DS.T", read["T"])] + marked("DS.Z", read.Z.to_numpy())
    says(path, out)

"""System files of all packings, as ReadStat writes and reads them."""
import sys

import numpy as np
import pandas as pd
import pyreadstat
from answers import array, says, texts

folder = sys.argv[1]
rng = np.random.default_rng(13)


def marked(name, values):
    holes = np.isnan(values)
    out = [array(name, np.where(holes, 0, values))]
    if holes.any():
        out.append(array(name + " missing", np.frombuffer("".join("." if h else "-" for h in holes).encode(), "u1"), "bytes"))
    return out


for packing, rows in ((False, 30), ("row", 30), (True, 30), (True, 5000)):
    frame = pd.DataFrame({"x": rng.standard_normal(rows) * 1e3, "a_rather_long_name": rng.integers(-99, 300, rows).astype("f8"),
                          "t": ["w" * int(n) for n in rng.integers(0, 8, rows)], "é": ["ä" * int(n) for n in rng.integers(0, 30, rows)],
                          "hole": np.where(rng.random(rows) < .3, np.nan, 2.5), "long": ["abcdefghij" * int(n) for n in rng.integers(0, 90, rows)],
                          "last": rng.integers(0, 2, rows).astype("f8")})
    path = f"{folder}/{packing}-{rows}.sav"
    options = {} if packing == "row" else {"compress": packing}
    if packing == "row":
        options = {"row_compress": True}
    pyreadstat.write_sav(frame, path, column_labels={"x": "an x"}, variable_value_labels={"last": {0: "no", 1: "yes"}}, missing_ranges={"x": [999, {"lo": -9, "hi": -8}]}, **options)
    out = marked("x", frame.x.to_numpy()) + [texts("x@label", ["an x"]), texts("x@missing", ["from", "-9", "-8", "999"])]
    out += marked("a_rather_long_name", frame.a_rather_long_name.to_numpy()) + [texts("t", frame.t), texts("é", frame["é"])]
    out += marked("hole", frame.hole.to_numpy()) + [texts("long", frame.long)] + marked("last", frame["last"].to_numpy()) + [texts("last@values", ["0", "1"]), texts("last@texts", ["no", "yes"])]
    says(path, out)

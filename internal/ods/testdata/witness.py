"""Writes a.ods with pandas (odfpy), and prints each cell that pandas reads back."""
import sys
import numpy as np
import pandas as pd

rng = np.random.default_rng(14)
path = sys.argv[1] + "/a.ods"
with pd.ExcelWriter(path, engine="odf") as w:
    pd.DataFrame({"label": [f"row {i}" for i in range(20)], "x": rng.standard_normal(20), "n": rng.integers(-999, 999, 20), "ok": rng.random(20) < .5}).to_excel(w, sheet_name="first", index=False)
    pd.DataFrame({"y": [1.5, np.nan, 3e-9], "word": ["a  b", "ä<&", None]}).to_excel(w, sheet_name="second", index=False)
for name, frame in pd.read_excel(path, sheet_name=None, engine="odf", header=None).items():
    for r, row in enumerate(frame.itertuples(index=False), 1):
        for c, v in enumerate(row):
            place = f"{name}!{'ABCD'[c]}{r}"
            if isinstance(v, (bool, np.bool_)):
                print(place, "truth value", str(bool(v)).lower())
            elif isinstance(v, str):
                print(place, "text", v)
            elif v == v:
                e = repr(float(v)).replace(".0", "") if float(v).is_integer() else repr(float(v))
                print(place, "number", e)

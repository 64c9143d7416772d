"""Data sets of all formats, as pandas and ReadStat write them."""
import datetime
import itertools
import sys

import numpy as np
import pandas as pd
import pyreadstat
from answers import array, says, texts

folder = sys.argv[1]
rng = np.random.default_rng(11)
N = 60


def numbers(code, most=None):
    if code[0] == "f":
        return (rng.standard_normal(N) * 9).astype(code)
    return rng.integers(-most, most, N).astype(code)


# pandas: all types, long texts, dates, categories
frame = pd.DataFrame({"i1": numbers("i1", 99), "i2": numbers("i2", 30000), "i4": numbers("i4", 2**30), "f4": numbers("f4"), "f8": numbers("f8"),
                      "s": ["w" * int(n) for n in rng.integers(0, 9, N)]})
frame["hole"] = numbers("f8")
frame.loc[::7, "hole"] = np.nan
marks = "".join("." if i % 7 == 0 else "-" for i in range(N))
answers = [array("i1", frame.i1), array("i2", frame.i2), array("i4", frame.i4), array("f4", frame.f4), array("f8", frame.f8), texts("s", frame.s),
           array("hole", frame.hole.fillna(0)), array("hole missing", np.frombuffer(marks.encode(), "u1"), "bytes")]
for version, order in itertools.product((114, 117, 118, 119), ("little", "big")):
    path = f"{folder}/pandas-{version}-{order}.dta"
    frame.to_stata(path, write_index=False, version=version, byteorder=order, data_label="about", variable_labels={"i1": "first"})
    says(path, answers + [texts("@label", ["about"], []), texts("i1@label", ["first"], [])])
    if version >= 117 and order == "little":  # pandas says that it can't test the other
        path = f"{folder}/long-{version}-{order}.dta"
        long = pd.DataFrame({"x": ["a" * 3000, "b", "a" * 3000, ""], "y": np.array([1, 2, 3, 4], "i4")})
        long.to_stata(path, write_index=False, version=version, byteorder=order, convert_strl=["x"])
        says(path, [texts("x", long.x), array("y", long.y)])
labels = pd.DataFrame({"c": pd.Categorical(["lo", "hi", "lo", "mid"], ["lo", "mid", "hi"]), "d": pd.to_datetime(["2001-02-03", "1960-01-01", "1959-12-31", "2020-02-29"])})
path = f"{folder}/labels.dta"
labels.to_stata(path, write_index=False, version=118, convert_dates={"d": "td"})
says(path, [array("c", np.array([0, 2, 0, 1], "i1")), texts("c@values", ["c"], []), array("d", np.array([(t - pd.Timestamp(1960, 1, 1)).days for t in labels.d], "f8")),
            array("labels c values", np.array([0, 1, 2], "i4")), texts("labels c texts", ["lo", "mid", "hi"])])

# ReadStat: more versions
for version in (8, 10, 12, 13, 14, 15):
    path = f"{folder}/readstat-{version}.dta"
    plain = pd.DataFrame({"x": numbers("f8"), "n": numbers("i4", 1000), "t": ["ab", "c"] * (N // 2)})
    pyreadstat.write_dta(plain, path, version=version, column_labels=["an x", None, None])
    says(path, [array("x", plain.x), texts("x@label", ["an x"], []), array("n", plain.n.astype("i4")), texts("t", plain.t)])

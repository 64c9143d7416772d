"""Shapefiles and their tables, as pyshp writes and reads them."""
import datetime
import sys

import numpy as np
import shapefile
from answers import array, says, texts

folder = sys.argv[1]
rng = np.random.default_rng(14)
N = 9


def points(n, axes):
    return (rng.standard_normal((n, axes)) * 50).tolist()


KINDS = {"POINT": (1, 2), "POLYLINE": (3, 2), "POLYGON": (5, 2), "MULTIPOINT": (8, 2), "POINTZ": (11, 4), "POLYLINEZ": (13, 4), "MULTIPOINTM": (28, 3), "POINTM": (21, 3), "POLYLINEM": (23, 3)}
for name, (kind, axes) in KINDS.items():
    path = f"{folder}/{name}"
    w = shapefile.Writer(path, shapeType=kind)
    w.field("name", "C", 20), w.field("n", "N", 9, 0), w.field("x", "N", 18, 6), w.field("f", "F", 20, 8), w.field("day", "D"), w.field("ok", "L")
    rows = {"parts": [], "points": [], "starts": [], "xy": [], "z": [], "m": []}
    records = []
    for i in range(N):
        lists = [points(1, axes)] if "POINT" in name and "MULTI" not in name else [points(int(rng.integers(4, 7)), axes) for _ in range(1 if "MULTI" in name else int(rng.integers(1, 3)))]
        if "POLYGON" == name:
            lists = [p + [p[0]] for p in lists]
            lists = [p if shapefile.signed_area(p) < 0 else p[::-1] for p in lists]
        flat = [p for part in lists for p in part]
        multi = "POLY" in name
        rows["parts"].append(len(lists) if multi else 0)
        rows["points"].append(len(flat))
        rows["starts"] += list(np.cumsum([0] + [len(p) for p in lists])[:-1]) if multi else []
        rows["xy"] += [c for p in flat for c in p[:2]]
        rows["z"] += [p[2] for p in flat] if axes == 4 else []
        rows["m"] += [p[-1] for p in flat] if axes > 2 else []
        {"POINT": lambda: w.point(*flat[0]), "POINTZ": lambda: w.pointz(*flat[0]), "POINTM": lambda: w.pointm(*flat[0]), "MULTIPOINT": lambda: w.multipoint(flat), "MULTIPOINTM": lambda: w.multipointm(flat),
         "POLYLINE": lambda: w.line(lists), "POLYGON": lambda: w.poly(lists), "POLYLINEZ": lambda: w.linez(lists), "POLYLINEM": lambda: w.linem(lists)}[name]()
        records.append((f"row {i}", int(rng.integers(-999, 999)), round(float(rng.standard_normal()), 6), round(float(rng.standard_normal()), 8), datetime.date(2000 + i, 1 + i, 2), bool(i % 2)))
        w.record(*records[-1])
    w.close()
    out = [array("types", np.full(N, kind, "i4")), array("parts", np.array(rows["parts"], "i4")), array("points", np.array(rows["points"], "i4"))]
    out += [array(k, np.array(rows[r], t)) for k, r, t in (("starts", "starts", "i4"), ("x y", "xy", "f8"), ("z", "z", "f8"), ("m", "m", "f8")) if rows[r]]
    says(path + ".shp", out)
    columns = list(zip(*records))
    says(path + ".dbf", [texts("name", columns[0]), array("n", np.array(columns[1], "f8")), array("x", np.array(columns[2])), array("f", np.array(columns[3])),
                         texts("day", [d.strftime("%Y%m%d") for d in columns[4]]), texts("ok", ["T" if v else "F" for v in columns[5]])])

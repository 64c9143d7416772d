"""Tables of many types, encodings, packings and versions, as pyarrow writes and reads them."""
import datetime
import decimal
import itertools
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from answers import array, says, texts

folder = sys.argv[1]
rng = np.random.default_rng(8)
N = 300


def holes(values, share=0.2):
    return [None if rng.random() < share else v for v in values]


def numbers(code):
    if code[0] == "f":
        return (rng.standard_normal(N) * 5).astype(code)
    return np.frombuffer(rng.bytes(N * np.dtype(code).itemsize), code)


def moment(v, digits):
    text = v.strftime("%Y-%m-%d %H:%M:%S") if isinstance(v, datetime.datetime) else v.strftime("%H:%M:%S")
    return text + fraction(v.microsecond)


def fraction(microseconds):
    return ("." + f"{microseconds:06d}".rstrip("0")) if microseconds else ""


columns, answers = {}, {}


def add(name, values, typed, answer):
    columns[name] = pa.array(values, typed)
    answers[name] = answer


def plain(name, values, typed, code, kind=None):
    """A column, and one with holes."""
    add(name, list(values), typed, [array(name, np.array(values, code), kind)])
    some = holes(list(values))
    marks = np.frombuffer("".join("0" if v is None else "-" for v in some).encode(), "u1")
    add(name + "?", some, typed, [array(name + "?", np.array([0 if v is None else v for v in some], code), kind), array(name + "? missing", marks, "bytes")])


def words(name, values, typed, show=str):
    add(name, values, typed, [texts(name, [show(v) for v in values])])
    some = holes(values)
    marks = np.frombuffer("".join("0" if v is None else "-" for v in some).encode(), "u1")
    add(name + "?", some, typed, [texts(name + "?", ["" if v is None else show(v) for v in some]), array(name + "? missing", marks, "bytes")])


for code in ("i1", "i2", "u1", "u2"):
    plain(code, numbers(code), getattr(pa, {"i": "int", "u": "uint"}[code[0]] + str(8 * int(code[1])))(), code[0] + "4")
plain("i4", numbers("i4"), pa.int32(), "i4"), plain("i8", numbers("i8"), pa.int64(), "i8")
plain("u4", numbers("u4"), pa.uint32(), "u4"), plain("u8", numbers("u8"), pa.uint64(), "u8")
plain("f4", numbers("f4"), pa.float32(), "f4"), plain("f8", numbers("f8"), pa.float64(), "f8")
plain("bool", [bool(v) for v in rng.integers(0, 2, N)], pa.bool_(), "u1", "bytes")
plain("few", rng.integers(0, 4, N).tolist(), pa.int64(), "i8")
plain("rising", np.cumsum(rng.integers(0, 9, N)).tolist(), pa.int64(), "i8")
words("text", ["w" * int(n) + "é" for n in rng.integers(0, 20, N)], pa.string())
words("level", [["low", "high", ""][n] for n in rng.integers(0, 3, N)], pa.string())
words("bytes", [b"ab%d" % n for n in rng.integers(0, 99, N)], pa.binary(), lambda v: v.decode())
fixed = [bytes(rng.bytes(5)) for _ in range(N)]
add("fixed", fixed, pa.binary(5), [array("fixed", np.frombuffer(b"".join(fixed), "V5"), "bytes")])
day = datetime.date(2001, 2, 3)
words("date", [day + datetime.timedelta(int(n)) for n in rng.integers(-40000, 40000, N)], pa.date32(), lambda v: v.isoformat())
start = datetime.datetime(1999, 12, 31, 23, 59, 59)
for unit, step in (("ms", 1000), ("us", 1), ("ns", 1)):
    words("time " + unit, [start + datetime.timedelta(microseconds=int(n) * step) for n in rng.integers(-10**15 // step, 10**15 // step, N)], pa.timestamp(unit), lambda v: moment(v, 0))
    words("zone " + unit, [start + datetime.timedelta(microseconds=int(n) * step) for n in rng.integers(0, 10**14 // step, N)], pa.timestamp(unit, "UTC"), lambda v: moment(v, 0))
words("clock", [datetime.time(int(n), 5, 6, 7) for n in rng.integers(0, 24, N)], pa.time64("us"), lambda v: moment(v, 0))
for precision, scale in ((9, 2), (15, 4)):
    v = [decimal.Decimal(int(n)).scaleb(-scale) for n in rng.integers(-10**8, 10**8, N)]
    plain(f"decimal {precision}", v, pa.decimal128(precision, scale), "f8")
big = [decimal.Decimal(int(n)).scaleb(-7) for n in rng.integers(-10**18, 10**18, N)]
add("decimal 30", big, pa.decimal128(30, 7), [texts("decimal 30", [f"{int(v.scaleb(7))}e-7" for v in big])])

lists = [None if rng.random() < .1 else holes(rng.integers(0, 99, rng.integers(0, 4)).tolist()) for _ in range(N)]
nesting, inside = [], []
for v in lists:
    if v is None:
        nesting.append((0, 0))
    elif not v:
        nesting.append((0, 1))
    else:
        for k, x in enumerate(v):
            nesting.append((int(k > 0), 2 if x is None else 3))
            inside += [] if x is None else [x]
columns["list"] = pa.array(lists, pa.list_(pa.int64()))
answers["list"] = [("list", np.array(inside, "i8")), ("list nesting", np.array(nesting, "u1").reshape(-1, 2).copy().view("V2").ravel())]
pairs = [None if rng.random() < .1 else {"a": None if rng.random() < .2 else int(rng.integers(99))} for _ in range(N)]
columns["pair"] = pa.array(pairs, pa.struct([("a", pa.int32())]))
marks = "".join("0" if v is None else "1" if v["a"] is None else "-" for v in pairs)
answers["pair"] = [array("pair.a", np.array([(v or {}).get("a") or 0 for v in pairs], "i4")), array("pair.a missing", np.frombuffer(marks.encode(), "u1"), "bytes")]

table = pa.table(columns)


def write(name, source, **options):
    path = f"{folder}/{name}.parquet"
    pq.write_table(source, path, **options)
    leaf = next((c.path for c in (pq.ParquetFile(path).schema.column(i) for i in range(len(pq.ParquetFile(path).schema))) if c.path.startswith("list.")), "")
    out = []
    for column in source.column_names:
        for a in answers[column]:
            out.append(a if isinstance(a, dict) else array(a[0].replace("list", leaf), a[1]))
    says(path, out)


for packing, pages, version in itertools.product(("none", "snappy", "gzip", "zstd", "lz4"), ("1.0", "2.0"), ("1.0", "2.6")):
    source = table.drop([c for c in table.column_names if version == "1.0" and c[:7] in ("time ns", "zone ns", "u4", "u4?")])
    write(f"{packing}-{pages}-{version}", source, compression=packing, data_page_version=pages, version=version, data_page_size=500, row_group_size=170)
for pages in ("1.0", "2.0"):
    write(f"plain-{pages}", table, use_dictionary=False, data_page_version=pages, compression="none")
write("int96", table.select(["time us", "time us?"]), use_deprecated_int96_timestamps=True)
for encoding, names in {"DELTA_BINARY_PACKED": ["i4", "i8", "i8?", "few", "rising", "rising?", "u4", "i1"], "DELTA_LENGTH_BYTE_ARRAY": ["text", "text?", "level"],
                        "DELTA_BYTE_ARRAY": ["text", "text?", "level", "bytes"], "BYTE_STREAM_SPLIT": ["f4", "f4?", "f8", "f8?"], "PLAIN": ["bool", "i8", "text"],
                        "RLE": ["bool", "bool?"]}.items():
    for pages in ("1.0", "2.0"):
        write(f"{encoding}-{pages}", table.select(names), use_dictionary=False, column_encoding=encoding, data_page_version=pages)
write("empty", table.slice(0, 0).select(["i4"])) if answers.update({"i4": [array("i4", np.zeros(0, "i4"))]}) is None else None

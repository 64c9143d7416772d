"""Writes one small result in every kind by the programs that scientists use,
harmlessly written anew, and with one change planted. usage: make.py FOLDER [KIND...]

Made with Python 3.11, numpy, pandas, openpyxl, matplotlib, scipy, netCDF4,
h5py, tifffile, nbformat, PyYAML of November 2026, and R 4 (make.R).
"""
import io, json, os, sys, tarfile, time, zipfile, gzip
import numpy as np, pandas as pd, yaml, h5py, netCDF4, tifffile, openpyxl
try: import nbformat, nbformat.v4 as nb
except ImportError: nb = None # of notebooks only
import scipy.io
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt

ROOT = sys.argv[1]


class Result:
    """A table: labels, and two columns of numbers."""
    def __init__(self):
        self.name = ["alpha", "beta", "gamma", "delta"]
        self.est = [1.25, -0.375, 2.5, 10.125]
        self.se = [0.11, 0.22, 0.35, 0.48]
        self.heads = ["name", "est", "se"]
        self.again = False  # written anew: other dates, ids, order of keys

    def frame(self):
        return pd.DataFrame(dict(zip(self.heads, [self.name, self.est, self.se])))


def digit(r): r.est[2] = 2.6
def row(r): del r.name[1], r.est[1], r.se[1]
def column(r): r.est, r.se = r.se, r.est
def sign(r): r.est[1] = 0.375
def label(r): r.name[3] = "Delta"
def harmless(r): r.again = True
def base(r): pass


def text(r, w):
    w("%-8s%10s%10s\n" % tuple(r.heads))
    for line in zip(r.name, r.est, r.se): w("%-8s%10.3f%10.2f%s\n" % (line + ("  " if r.again else "",)))


def figure(path, r, **k):
    f, a = plt.subplots(figsize=(3, 2))
    a.plot(r.est); a.plot(r.se); a.set_xticks(range(len(r.name)), r.name)
    a.text(0.2, 5, " ".join("%.3f" % v for v in r.est)); f.savefig(path, **k); plt.close(f)


def save_json(p, r):
    doc = {"version": 1, "rows": [dict(zip(r.heads, v)) for v in zip(r.name, r.est, r.se)]}
    if r.again: doc = {"rows": [dict(reversed(d.items())) for d in doc["rows"]], "version": 1}
    json.dump(doc, open(p, "w"), indent=2 if r.again else None)


def save_yaml(p, r):
    yaml.safe_dump([dict(zip(r.heads, v)) for v in zip(r.name, r.est, r.se)], open(p, "w"), default_flow_style=r.again, sort_keys=r.again)


def save_tex(p, r):
    t = r.frame().to_latex(index=False)
    open(p, "w").write("% made " + time.ctime() + "\n" + t.replace(" & ", "  &  ") if r.again else t)


def save_md(p, r):
    wide = 12 if r.again else 8
    with open(p, "w") as f:
        f.write("| " + " | ".join(h.ljust(wide) for h in r.heads) + " |\n|" + "|".join("-" * (wide + 2) for _ in r.heads) + "|\n")
        for v in zip(r.name, r.est, r.se): f.write("| " + " | ".join(str(x).ljust(wide) for x in v) + " |\n")


def save_html(p, r):
    t = r.frame().to_html(index=False)
    open(p, "w").write(t.replace('border="1" class="dataframe"', 'class="dataframe"   border="1"') + "<!-- x -->" if r.again else t)


def save_xlsx(p, r):
    r.frame().to_excel(p, index=False)
    if r.again:
        b = openpyxl.load_workbook(p); b.properties.creator = "someone"; b.active["B2"].font = openpyxl.styles.Font(bold=True); b.save(p)


def save_hdf5(p, r):
    with h5py.File(p, "w", libver="latest" if r.again else "earliest") as f:
        g = f.create_group("fit"); g["name"] = r.name
        g.create_dataset("est", data=r.est, chunks=(2,) if r.again else None, compression="gzip" if r.again else None); g["se"] = r.se


def save_nc(p, r, form):
    n = netCDF4.Dataset(p, "w", format=form); n.createDimension("row", len(r.est)); n.createDimension("letter", 8)
    n.history = time.ctime() if r.again else "made"; n.labels = " ".join(r.name)
    for head, v in (("est", r.est), ("se", r.se)): n.createVariable(head, "f8", ("row",))[:] = v
    n.close()


def save_mat(p, r): scipy.io.savemat(p, {"name": r.name, "est": r.est, "se": r.se}, do_compression=r.again)
def save_npy(p, r): np.save(p, np.array([r.est, r.se], dtype=">f8" if r.again else "<f8", order="F" if r.again else "C"))
def save_npz(p, r): (np.savez_compressed if r.again else np.savez)(p, name=np.array(r.name), est=r.est, se=r.se)


def picture(r):
    m = np.zeros((16, 24), "u2")
    for i, (a, b) in enumerate(zip(r.est, r.se)): m[2 + 3 * i, 2] = int(1000 * a + 30000); m[2 + 3 * i, 9] = int(1000 * b + 20000)
    for i, t in enumerate(r.name): m[2 + 3 * i, 15:15 + len(t)] = [ord(c) * 100 for c in t]
    return m


def save_tif(p, r): tifffile.imwrite(p, picture(r), compression="lzw" if r.again else None, predictor=r.again, byteorder=">" if r.again else "<")


def save_stack(p, r):
    m = np.stack([picture(r).astype("f4")] * 2) / 7
    tifffile.imwrite(p, m, photometric="minisblack", compression="zlib" if r.again else None, predictor=3 if r.again else None)


def save_png(p, r):
    from PIL import Image, PngImagePlugin
    info = PngImagePlugin.PngInfo(); info.add_text("Creation Time", time.ctime())
    Image.fromarray((picture(r) // 100).astype("u1")).save(p, compress_level=9 if r.again else 1, pnginfo=info if r.again else None)


def save_ipynb(p, r):
    out = io.StringIO(); text(r, out.write)
    html = io.StringIO(); r.frame().to_html(html, index=False)
    c = nb.new_code_cell("fit()", execution_count=9 if r.again else 1)
    c.outputs = [nb.new_output("stream", name="stdout", text=out.getvalue()),
                 nb.new_output("execute_result", {"text/html": html.getvalue(), "text/plain": str(r.est)}, execution_count=9 if r.again else 1)]
    nbformat.write(nb.new_notebook(cells=[nb.new_markdown_cell("# Fit"), c], metadata={"k": str(r.again)}), p)


def save_xml(p, r):
    rows = "".join("<row %s/>" % " ".join('%s="%s"' % x for x in (reversed(list(zip(r.heads, v))) if r.again else zip(r.heads, v))) for v in zip(r.name, r.est, r.se))
    open(p, "w").write("<?xml version='1.0'?>" + ("<!-- %s -->" % time.ctime() if r.again else "") + "<fit>" + rows + "</fit>\n")


def save_sqlite(p, r):
    import sqlite3
    if os.path.exists(p): os.remove(p)
    c = sqlite3.connect(p); c.execute("pragma page_size = %d" % (1024 if r.again else 4096))
    c.execute("create table fit (%s text, %s real, %s real)" % tuple(r.heads))
    rows = list(zip(r.name, r.est, r.se))
    c.executemany("insert into fit values (?, ?, ?)", reversed(rows) if r.again else rows); c.commit(); c.close()


def save_vtk(p, r):
    xyz = np.c_[r.est, r.se, np.zeros(len(r.est))].astype(">f8"); n = len(xyz)
    head = "# vtk DataFile Version 3.0\n%s\n%s\nDATASET POLYDATA\nPOINTS %d double\n" % ("again" if r.again else "fit", "BINARY" if r.again else "ASCII", n)
    tail = "\nPOINT_DATA %d\nFIELD FieldData 1\n%s 1 %d long\n" % (n, r.name[-1], n); ids = np.arange(n, dtype=">i8")
    body = lambda a: a.tobytes() if r.again else "\n".join(str(v) for v in a.ravel()).encode()
    open(p, "wb").write(head.encode() + body(xyz) + tail.encode() + body(ids) + b"\n")


def save_vtu(p, r):
    import base64, zlib
    n = len(r.est)
    def data(name, a, t, k=1):
        b = a.tobytes()
        if r.again: c = zlib.compress(b); t64 = base64.b64encode(np.array([1, len(b), 0, len(c)], "<u4").tobytes()) + base64.b64encode(c)
        else: t64 = base64.b64encode(np.array([len(b)], "<u4").tobytes() + b)
        return '<DataArray type="%s" Name="%s" NumberOfComponents="%d" format="binary">%s</DataArray>' % (t, name, k, t64.decode())
    pts = data("Points", np.c_[r.est, r.se, np.zeros(n)].astype("<f8"), "Float64", 3)
    cells = data("connectivity", np.arange(n).astype("<i8"), "Int64") + data("offsets", np.arange(1, n + 1).astype("<i8"), "Int64") + data("types", np.ones(n, "u1"), "UInt8")
    open(p, "w").write('<VTKFile type="UnstructuredGrid" version="0.1" byte_order="LittleEndian"%s><UnstructuredGrid><Piece NumberOfPoints="%d" NumberOfCells="%d"><PointData>%s</PointData><Points>%s</Points><Cells>%s</Cells></Piece></UnstructuredGrid></VTKFile>'
        % (' compressor="vtkZLibDataCompressor"' if r.again else "", n, n, data(r.name[-1], np.array(r.est).astype("<f8"), "Float64"), pts, cells))


def save_feather(p, r):
    import pyarrow.feather as f
    f.write_feather(r.frame(), p, compression="zstd" if r.again else "uncompressed", chunksize=2 if r.again else 64)


def packed(write):
    def save(p, r):
        inner = io.StringIO(); text(r, inner.write); write(p, inner.getvalue().encode(), r.again)
    return save


def gz(p, b, again):
    with open(p, "wb") as f, gzip.GzipFile("" if again else "fit.txt", "wb", 9 if again else 1, f, 0 if again else 1e9) as z: z.write(b)


def zipped(p, b, again):
    with zipfile.ZipFile(p, "w") as z: z.writestr(zipfile.ZipInfo("fit.txt", (2026, 1, 2, 3, 4, 6) if again else (2024, 1, 1, 0, 0, 0)), b, 8 if again else 0)


def tarred(p, b, again):
    with tarfile.open(p, "w") as t:
        i = tarfile.TarInfo("fit.txt"); i.size, i.mtime, i.uname = len(b), 9e8 if again else 0, "x" if again else ""; t.addfile(i, io.BytesIO(b))


KINDS = {
    "txt": lambda p, r: text(r, open(p, "w").write), "csv": lambda p, r: r.frame().to_csv(p, index=False, lineterminator="\r\n" if r.again else "\n"),
    "tsv": lambda p, r: r.frame().to_csv(p, index=False, sep="\t", quoting=2 if r.again else 0), "json": save_json, "yaml": save_yaml, "tex": save_tex,
    "md": save_md, "html": save_html, "xml": save_xml, "xlsx": save_xlsx, "h5": save_hdf5, "nc": lambda p, r: save_nc(p, r, "NETCDF3_CLASSIC"),
    "nc4": lambda p, r: save_nc(p, r, "NETCDF4"), "mat": save_mat, "npy": save_npy, "npz": save_npz, "tif": save_tif, "tiff": save_stack, "png": save_png,
    "ipynb": save_ipynb, "txt.gz": packed(gz), "zip": packed(zipped), "tar": packed(tarred),
    "svg": lambda p, r: figure(p, r, metadata={"Date": "2024-01-05" if not r.again else "2026-11-30"}),
    "ods": lambda p, r: r.frame().to_excel(p, index=False, sheet_name="fit", engine="odf"), "sqlite": save_sqlite, "vtk": save_vtk, "vtu": save_vtu, "feather": save_feather,
    "eps": lambda p, r: (os.environ.update(SOURCE_DATE_EPOCH="1700000000" if r.again else "1600000000"), figure(p, r)),
    "pdf": lambda p, r: figure(p, r, metadata={"CreationDate": None if r.again else __import__("datetime").datetime(2024, 1, 5)}),
}
for kind, save in KINDS.items():
    if sys.argv[2:] and kind not in sys.argv[2:]: continue
    d = os.path.join(ROOT, kind); os.makedirs(d, exist_ok=True)
    for plant in (base, harmless, digit, row, column, sign, label):
        if plant is label and kind == "npy": continue  # holds no label
        matplotlib.rcParams["svg.hashsalt"] = plant.__name__
        r = Result(); plant(r); save(os.path.join(d, plant.__name__ + "." + kind), r)

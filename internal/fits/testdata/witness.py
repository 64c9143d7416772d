"""Images and tables of many types, as astropy writes and reads them."""
import sys

import numpy as np
from astropy.io import fits
from answers import array, refuses, says, texts

folder = sys.argv[1]
rng = np.random.default_rng(9)


def values(shape, dtype):
    dtype = np.dtype(dtype)
    n = int(np.prod(shape))
    if dtype.kind in "fc":
        return (rng.standard_normal(n) * 7).astype(dtype).reshape(shape)
    return np.frombuffer(rng.bytes(n * dtype.itemsize), dtype).reshape(shape)


def save(name, units, answers):
    path = f"{folder}/{name}.fits"
    fits.HDUList(units).writeto(path, checksum=name == "tables")
    if answers is None:
        refuses(path)
    else:
        says(path, answers)


def number(name, v):
    return array(name, np.float64(v))


def word(name, v):
    return texts(name, [v], [])


for code in ("u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"):
    units, answers = [], []
    for i, shape in enumerate(((4,), (3, 5), (2, 3, 4))):
        v = values(shape, code)
        units.append(fits.PrimaryHDU(v) if i == 0 else fits.ImageHDU(v))
        answers.append(array(f"HDU {i}", v))
    save(code, units, answers)

h = fits.PrimaryHDU(values((3, 4), "i2"))
h.header["OBJECT"] = "it's M 31"
h.header["EXPTIME"] = (12.5, "seconds")
h.header["N"] = 7
h.header["GOOD"] = True
h.header["CRVAL1"] = 10.25
h.header["LONG"] = "x" * 150
h.header["HIERARCH ESO DET"] = 3.5
h.header["DATE"] = "2024-01-01"
h.header.add_history("made")
answers = [array("HDU 0", h.data), word("HDU 0@OBJECT", "it's M 31"), number("HDU 0@EXPTIME", 12.5), number("HDU 0@N", 7), word("HDU 0@GOOD", "T"), word("HDU 0@CRVAL1", "10.25"), word("HDU 0@LONG", "x" * 150), number("HDU 0@HIERARCH ESO DET", 3.5)]
save("keywords", [h], answers)

scaled = values((3, 4), "f8")
s = fits.PrimaryHDU(scaled.copy())
s.scale("int16", "minmax")
path = f"{folder}/scaled.fits"
s.writeto(path)
with fits.open(path, do_not_scale_image_data=True) as f:
    stored, bscale, bzero = f[0].data.astype("f8"), f[0].header["BSCALE"], f[0].header["BZERO"]
says(path, [array("HDU 0", bzero + bscale * stored)])

N = 6
flags = rng.integers(0, 2, N).astype(bool)
columns = [fits.Column(n, f, array=v) for n, f, v in [
    ("b", "B", values((N,), "u1")), ("i", "I", values((N,), "i2")), ("j", "J", values((N,), "i4")), ("k", "K", values((N,), "i8")),
    ("e", "E", values((N,), "f4")), ("d", "3D", values((N, 3), "f8")), ("m", "M", values((N,), "c16")), ("a", "5A", np.array(["ab", "c", "", "defgh", "x", "y z"])),
    ("l", "L", flags.copy())]] + [fits.Column("u", "I", bzero=32768, array=values((N,), "u2"))]
kept = {c.name: np.array(c.array) for c in columns}
table = fits.BinTableHDU.from_columns(columns, name="T")
answers = [array("T." + c.name, kept[c.name]) if c.name not in "al" else texts("T.a", ["ab", "c", "", "defgh", "x", "y z"]) if c.name == "a" else array("T.l", np.where(flags, ord("T"), ord("F")).astype("u1"), "bytes") for c in columns]
text = fits.TableHDU.from_columns([fits.Column("x", "F10.4", array=np.array([1.5, -2.25, 1e3])), fits.Column("n", "I6", array=np.array([1, -20, 300])), fits.Column("w", "A4", array=np.array(["ab", "cd", "e"]))], name="S")
answers += [array("S.x", np.array([1.5, -2.25, 1e3])), array("S.n", np.array([1.0, -20, 300])), texts("S.w", ["ab", "cd", "e"])]
image = values((2, 2), "f4")
save("tables", [fits.PrimaryHDU(), table, text, fits.ImageHDU(image, name="T")], answers + [array("T, 2", image)])
save("variable", [fits.PrimaryHDU(), fits.BinTableHDU.from_columns([fits.Column("p", "PD()", array=np.array([np.arange(2.0), np.arange(3.0)], object))])], None)
save("packed", [fits.PrimaryHDU(), fits.CompImageHDU(values((20, 20), "i2"))], None)

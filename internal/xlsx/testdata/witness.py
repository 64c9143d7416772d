"""Workbooks of many kinds of cells, as openpyxl writes and reads them."""
import datetime
import struct
import sys

import numpy as np
import openpyxl
from openpyxl.utils.datetime import CALENDAR_MAC_1904, to_excel
from answers import says, texts

folder = sys.argv[1]
rng = np.random.default_rng(7)


def double(v):
    return struct.pack("<d", float(v)).hex()


def words(cell, epoch):
    v = cell.value
    place = f"{cell.coordinate} "
    if isinstance(v, bool):
        return place + f"truth value {int(v)}"
    if isinstance(v, datetime.timedelta):
        return place + "number " + double(v.total_seconds() / 86400)
    if isinstance(v, (datetime.datetime, datetime.date, datetime.time)):
        days = round(to_excel(v) * 86400000) / 86400000  # since 1900, whatever the workbook counts from
        return place + "date " + double(days)
    if isinstance(v, (int, float)):
        return place + "number " + double(v)
    if cell.data_type == "f":
        return place + "formula without a value " + v
    if cell.data_type == "e":
        return place + "error " + v
    return place + "text " + str(v)


def save(name, book, shared=True):
    path = f"{folder}/{name}.xlsx"
    book.save(path)
    read = openpyxl.load_workbook(path)
    says(path, [texts(s.title, [words(c, read.epoch) for row in s.iter_rows() for c in row if c.value not in (None, "")]) for s in read])


for epoch in (None, CALENDAR_MAC_1904):
    book = openpyxl.Workbook()
    if epoch:
        book.epoch = epoch
    sheet = book.active
    sheet.title = "a & b <c>"
    for row, value in enumerate([1, -2.5, 1e300, 5e-324, 0.1 + 0.2, 10**15, True, False, "text", " blanks  kept ", "a\nb", "é α \U0001f600", "<&>\"'", "1.5",
                                 "=1+1", "=SUM(A1:A3)", datetime.datetime(2024, 5, 6, 7, 8, 9), datetime.date(1999, 12, 31), datetime.time(6, 0), "#N/A"], 1):
        sheet.cell(row, 1, value)
    sheet.cell(3, 30, "far"), sheet.cell(400, 703, 7)
    formats = ["0.00", "0%", "General", '"day" 0', "[Red]0.0", "yyyy-mm-dd", "hh:mm:ss", "[h]:mm", "#,##0", '0" m"', "mmm yy", "[$-409]d/m/yy", "@", "0.00E+00", "_-* #,##0_-"]
    for row, code in enumerate(formats, 1):
        c = sheet.cell(row, 5, 45000.25)
        c.number_format = code
    book.create_sheet("empty")
    other = book.create_sheet("numbers")
    for row in rng.standard_normal((40, 7)) * 10.0 ** rng.integers(-200, 200, (40, 7)):
        other.append(list(row))
    hidden = book.create_sheet("hidden")
    hidden.sheet_state = "hidden"
    hidden["B2"] = 5
    save(f"book{'1904' if epoch else ''}", book)

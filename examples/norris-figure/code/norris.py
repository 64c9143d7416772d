"""Straight line through NIST's Norris data: the table and the figure."""
import csv
import pathlib

import matplotlib.pyplot as plt
import numpy as np

lines = pathlib.Path("data/Norris.dat").read_text().splitlines()[60:]
y, x = np.array([line.split() for line in lines if line.strip()], dtype=float).T

# QR rather than the normal equations, which would square the condition number.
design = np.column_stack([np.ones_like(x), x])
q, r = np.linalg.qr(design)
beta = np.linalg.solve(r, q.T @ y)
residual = y - design @ beta
s = np.sqrt(residual @ residual / (len(y) - 2))
sd = s * np.sqrt(np.diag(np.linalg.inv(r) @ np.linalg.inv(r).T))
r2 = 1 - residual @ residual / np.sum((y - y.mean()) ** 2)

out = pathlib.Path("out")
out.mkdir(exist_ok=True)
with open(out / "norris.csv", "w", newline="") as f:
    table = csv.writer(f, lineterminator="\n")
    table.writerow(["statistic", "value"])
    for name, value in [("B0", beta[0]), ("B1", beta[1]), ("sd B0", sd[0]),
                        ("sd B1", sd[1]), ("residual SD", s), ("R2", r2)]:
        table.writerow([name, f"{value:.14E}"])

figure, (top, bottom) = plt.subplots(2, 1, sharex=True, figsize=(5, 4), dpi=100)
top.plot(x, y, "o", markersize=3, label="observed")
top.plot(x, design @ beta, linewidth=1, label="fitted")
top.set_ylabel("y")
top.legend()
bottom.axhline(0, linewidth=0.5, color="grey")
bottom.plot(x, residual, "o", markersize=3)
bottom.set_xlabel("x")
bottom.set_ylabel("residual")
figure.tight_layout()
figure.savefig(out / "norris.png")

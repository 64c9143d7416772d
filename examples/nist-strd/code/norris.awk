# Straight line through the Norris data (y and x from line 61 on) by least
# squares, in double precision, about the means.
FNR > 60 && NF == 2 { n++; y[n] = $1; x[n] = $2; sumx += $2; sumy += $1 }
END {
	if (n == 0) { print "no observations" > "/dev/stderr"; exit 1 }
	meanx = sumx / n
	meany = sumy / n
	for (i = 1; i <= n; i++) {
		sxx += (x[i] - meanx) ^ 2
		sxy += (x[i] - meanx) * (y[i] - meany)
		syy += (y[i] - meany) ^ 2
	}
	b1 = sxy / sxx
	b0 = meany - b1 * meanx
	for (i = 1; i <= n; i++)
		residual += (y[i] - b0 - b1 * x[i]) ^ 2
	s = sqrt(residual / (n - 2))
	print "statistic,value"
	row("B0", b0)
	row("B1", b1)
	row("sd B0", s * sqrt(1 / n + meanx ^ 2 / sxx))
	row("sd B1", s / sqrt(sxx))
	row("residual SD", s)
	row("R2", 1 - residual / syy)
	row("regression SS", syy - residual)
	row("residual SS", residual)
	row("F", (syy - residual) / (s * s))
}
function row(statistic, value) {
	printf "%s,%.14E\n", statistic, value
}

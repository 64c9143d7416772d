# One-way analysis of variance of one NIST StRD data set (data from line 61 on:
# treatment, response), in double precision. The first observation is taken off
# all of them, so that the constant leading digits are gone before anything is
# summed; then group means, then the sums of squares about them.
/^Dataset Name:/ { dataset = $3 }
FNR > 60 && NF == 2 {
	if (!($1 in count)) order[++treatments] = $1
	if (n == 0) shift = $2
	count[$1]++
	sum[$1] += $2 - shift
	total += $2 - shift
	treatment[++n] = $1
	response[n] = $2 - shift
}
END {
	if (n == 0) { print "no observations" > "/dev/stderr"; exit 1 }
	mean = total / n
	for (i = 1; i <= treatments; i++) {
		t = order[i]
		groupmean[t] = sum[t] / count[t]
		between += count[t] * (groupmean[t] - mean) ^ 2
	}
	for (i = 1; i <= n; i++)
		within += (response[i] - groupmean[treatment[i]]) ^ 2
	dfbetween = treatments - 1
	dfwithin = n - treatments
	row("between SS", between)
	row("between MS", between / dfbetween)
	row("within SS", within)
	row("within MS", within / dfwithin)
	row("F", (between / dfbetween) / (within / dfwithin))
	row("R2", between / (between + within))
	row("residual SD", sqrt(within / dfwithin))
}
function row(statistic, value) {
	printf "%s,%s,%.14E\n", dataset, statistic, value
}

#!/bin/sh
# usage: anova.sh OUTPUT DATASET...
# Writes one table with the analysis of variance of each data set.
set -eu
output=$1
shift
mkdir -p "$(dirname "$output")"
{
	echo dataset,statistic,value
	for dataset in "$@"; do
		awk -f code/anova.awk "data/$dataset.dat"
	done
} >"$output"

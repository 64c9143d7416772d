package compare

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// notation says of the numbers among tokens what stands around them: bounds,
// powers, versions and uncertainties (SPEC.md CMP-42a).
func notation(line []byte, toks []token) []token {
	for i := range toks {
		if !toks[i].number {
			continue
		}
		before, glued := beside(line, toks, i, -1)
		after, gluedAfter := beside(line, toks, i, +1)
		switch {
		case glued && raises(before), gluedAfter && raised(after, line[toks[i+1].to:]):
			toks[i].number = false
		case namesProgram(before):
			toks[i].number = false
		case bounds(before, glued):
			toks[i].as = exact
		case plusMinus(before), plusMinus(after):
			if bytes.IndexByte(toks[i].of(line), '.') >= 0 {
				toks[i].as = rounded
			}
		}
		uncertain(line, toks, i)
	}
	return toks
}

// beside is the text token before or after token i, if there is one, and
// whether no blank stands between.
func beside(line []byte, toks []token, i, step int) (text []byte, glued bool) {
	k := i + step
	if k < 0 || k >= len(toks) || toks[k].number {
		return nil, false
	}
	return toks[k].of(line), toks[k].to == toks[i].from || toks[k].from == toks[i].to
}

// raises reports a text behind which an exponent stands: ^ and ^{ and **.
func raises(before []byte) bool {
	before = bytes.TrimSuffix(before, []byte("{"))
	return bytes.HasSuffix(before, []byte("^")) || bytes.HasSuffix(before, []byte("**"))
}

// raised reports a text that begins as the exponent of the number before it: ^,
// or ** with what can be an exponent behind it; else those are stars, as behind an
// estimate.
func raised(after, rest []byte) bool {
	if bytes.HasPrefix(after, []byte("^")) {
		return true
	}
	power, found := bytes.CutPrefix(after, []byte("**"))
	if len(power) == 0 {
		power = rest
	}
	return found && len(power) > 0 && (parts[power[0]] == word || parts[power[0]] == wide || bytes.IndexByte([]byte("+-({"), power[0]) >= 0)
}

// programs are words before a number that make it a version.
var programs = func() map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(`version versions ver release python cpython pypy numpy scipy pandas matplotlib seaborn sklearn
		scikit-learn statsmodels torch pytorch tensorflow keras jax jaxlib cuda cudnn gcc g++ clang llvm gfortran glibc musl julia octave
		matlab perl ruby java openjdk nodejs debian ubuntu fedora centos linux macos openmpi mpich mkl openblas blas
		lapack fftw hdf5 netcdf stata spss ggplot2 tidyverse dplyr rstudio jupyter ipython conda pip bioconductor samtools bwa
		gatk gromacs lammps numba xarray dask polars pyarrow transformers xgboost lightgbm`) {
		all[w] = true
	}
	return all
}()

// namesProgram reports a text whose last word is the name of a program, or says that
// a version follows.
func namesProgram(before []byte) bool {
	before = bytes.TrimRight(before, "=:/(-~>< \t")
	from := bytes.LastIndexFunc(before, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '+' && r != '-' && r != '_'
	})
	return isProgram(string(before[from+1:]))
}

// isProgram reports a name whose numbers are versions.
func isProgram(name string) bool { return programs[strings.ToLower(name)] }

// isIdentifier reports the name of a column whose numbers with decimals name
// something: accessions with their versions, sections.
func isIdentifier(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "id", "accession", "section", "chapter":
		return true
	}
	return strings.HasSuffix(name, "_id") || strings.HasSuffix(name, "_version")
}

// bounds reports a text that makes the number after it a bound: < and its kin,
// but not the end of a tag, an arrow or a prompt.
func bounds(before []byte, glued bool) bool {
	for _, s := range []string{"≤", "≥", "≦", "≧", "⩽", "⩾", "≪", "≫", "≲", "≳", `\le`, `\leq`, `\ge`, `\geq`, `\lt`, `\gt`, `\leqslant`, `\geqslant`} {
		if bytes.HasSuffix(before, []byte(s)) {
			return true
		}
	}
	b := bytes.TrimSuffix(before, []byte("="))
	if len(b) == 0 || b[len(b)-1] != '<' && b[len(b)-1] != '>' {
		return false
	}
	rest := b[:len(b)-1]
	if b[len(b)-1] == '<' {
		return !bytes.HasSuffix(rest, []byte("<"))
	}
	switch {
	case len(rest) == 0:
		return glued // a prompt has a blank behind it
	case bytes.IndexByte([]byte("->="), rest[len(rest)-1]) >= 0:
		return false
	}
	return !isTag(b)
}

// isTag reports a text that ends in a tag of HTML or XML.
func isTag(b []byte) bool {
	from := bytes.LastIndexByte(b, '<')
	if from < 0 || from+1 >= len(b) {
		return false
	}
	r, _ := utf8.DecodeRune(b[from+1:])
	return r == '/' || unicode.IsLetter(r)
}

func plusMinus(text []byte) bool {
	switch string(bytes.Trim(text, "$")) {
	case "±", "+/-", `\pm`, "+-":
		return true
	}
	return false
}

// uncertain finds 1.234(5), where the digits in brackets stand at the last
// places of the number before.
func uncertain(line []byte, toks []token, i int) {
	if i+3 >= len(toks) || !toks[i+2].number || toks[i+1].number || toks[i+3].number {
		return
	}
	value, open, digits, end := toks[i], toks[i+1], toks[i+2], toks[i+3]
	if value.to != open.from || open.to != digits.from || digits.to != end.from ||
		string(open.of(line)) != "(" || !bytes.HasPrefix(end.of(line), []byte(")")) {
		return
	}
	var v, d number
	if !v.parse(value.of(line)) || !d.parse(digits.of(line)) || v.class != finite || v.last >= 0 || v.hasExponent() ||
		!d.whole() || d.neg || d.hasExponent() {
		return
	}
	toks[i].as, toks[i+2].as, toks[i+2].last = rounded, rounded, v.last
}

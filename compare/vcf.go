package compare

import (
	"strings"

	"repro/internal/vcf"
)

const kindVCF = "vcf"

// SPEC.md CMP-119j.
func init() {
	comparers[kindVCF] = (&valueKind{
		kind: kindVCF,
		read: readVCF,
		same: "the same variants; only when and by what the file was made, or the order of INFO differs",
	}).compare
}

// numbersOr are the values of a field of which each may be a number.
func numbersOr(list []string) value {
	var out []value
	for _, s := range list {
		out = append(out, numberOr(s))
	}
	return listValue(out)
}

func readVCF(text string) (value, error) {
	f, err := vcf.Read(text)
	if err != nil {
		return value{}, err
	}
	var meta, samples, records []value
	for _, line := range f.Meta {
		meta = append(meta, textValue(line))
	}
	for _, s := range f.Samples {
		samples = append(samples, textValue(s))
	}
	for i := range f.Records {
		records = append(records, variant(&f.Records[i]))
	}
	var o object
	o.add("header", listValue(meta))
	o.add("samples", listValue(samples))
	o.add("variants", listValue(records))
	return o.v, nil
}

// variant is one line. Positions are text: no tolerance applies to them.
func variant(r *vcf.Record) value {
	var o object
	for i, name := range vcf.Columns {
		if name == "QUAL" {
			o.add(name, numberOr(r.Fixed[i]))
		} else {
			o.add(name, textValue(r.Fixed[i]))
		}
	}
	for _, p := range r.Info {
		o.add("INFO "+p.Key, numbersOr(p.Values))
	}
	var names []value
	for _, name := range r.Format {
		names = append(names, textValue(name))
	}
	o.add("FORMAT", listValue(names))
	var samples []value
	for _, sample := range r.Samples {
		var s object
		s.v.kind = jsonObject
		for i, cell := range sample {
			if name := r.Format[i]; name == "GT" {
				s.add(name, textValue(cell))
			} else {
				s.add(name, numbersOr(strings.Split(cell, ",")))
			}
		}
		samples = append(samples, s.v)
	}
	o.add("samples", listValue(samples))
	return o.v
}

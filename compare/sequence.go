package compare

import "repro/internal/sequence"

// The kinds of this file.
const (
	kindFASTA = "fasta"
	kindFASTQ = "fastq"
)

// SPEC.md CMP-119i.
func init() {
	comparers[kindFASTA] = (&valueKind{
		kind: kindFASTA,
		read: func(text string) (value, error) { return sequences(sequence.ReadFASTA(text)) },
		same: "the same sequences; only the lengths of lines, blanks and comments differ",
	}).compare
	comparers[kindFASTQ] = (&valueKind{
		kind: kindFASTQ,
		read: func(text string) (value, error) { return sequences(sequence.ReadFASTQ(text)) },
		same: "the same sequences and qualities; only line ends and repeated titles differ",
	}).compare
}

func sequences(records []sequence.Record, err error) (value, error) {
	var list []value
	for _, r := range records {
		var o object
		o.add("name", textValue(r.Name))
		if r.Description != "" {
			o.add("description", textValue(r.Description))
		}
		o.add("letters", textValue(r.Letters))
		if r.Quality != "" {
			o.add("quality", textValue(r.Quality))
		}
		list = append(list, o.v)
	}
	return listValue(list), err
}

package vcf

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"repro/internal/badfile"
)

const head = "##fileformat=VCFv4.2\n##fileDate=20240101\n##contig=<ID=1>\n##bcftools_viewCommand=view x\n##bcftools_viewVersion=1.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"

func TestRead(t *testing.T) {
	got, err := Read(head + "\tFORMAT\ts1\ts2\n1\t5\t.\tA\tC,G\t30.5\tPASS\tDB;AF=0.5,0.1\tGT:DP\t0|1:7\t./.\r\n")
	want := &File{Meta: []string{"##fileformat=VCFv4.2", "##contig=<ID=1>"}, Samples: []string{"s1", "s2"}, Records: []Record{{
		Fixed: [7]string{"1", "5", ".", "A", "C,G", "30.5", "PASS"},
		Info:  []Pair{{"AF", []string{"0.5", "0.1"}}, {"DB", nil}}, Format: []string{"GT", "DP"}, Samples: [][]string{{"0|1", "7"}, {"./."}}}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := Read(head + "\n"); err != nil || len(got.Records) != 0 || len(got.Samples) > 0 {
		t.Errorf("%+v %v", got, err)
	}
}

func TestRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"another file":      "##fileformat=BCF\n",
		"no columns":        "##fileformat=VCFv4.2\n##contig=x",
		"few columns":       "##fileformat=VCFv4.2\n#CHROM\tPOS\n",
		"a variant first":   "##fileformat=VCFv4.2\n1\t2\n",
		"a header later":    head + "\n##x=y\n",
		"a variant's width": head + "\n1\t2\t3\n",
		"a sample's values": head + "\tFORMAT\ts\n1\t5\t.\tA\tC\t.\t.\t.\tGT\t0:1\n",
	} {
		if got, err := Read(text); !errors.Is(err, badfile.ErrDamaged) {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}

func TestCarriesNothing(t *testing.T) {
	for line, want := range map[string]bool{"##fileDate=1": true, "##source=x": true, "##GATKCommandLine=<ID=x>": true, "##bcftools_callCommand=c": true, "##samtoolsVersion=1": true,
		"##fileformat=VCFv4.3": false, "##INFO=<ID=AF,Version=3>": false, "##contig=<ID=1>": false, "##FILTER=<ID=x>": false} {
		if got := carriesNothing(line); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(head + "\tFORMAT\ts\n1\t5\t.\tA\tC\t.\t.\tA=1,2;B\tGT\t0\n")
	f.Add(strings.ReplaceAll(head, "\n", "\r\n"))
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := Read(s); err != nil && !badfile.Is(err) || err == nil && len(got.Meta) == 0 {
			t.Fatal(got, err)
		}
	})
}

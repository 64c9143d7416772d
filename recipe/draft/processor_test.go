package draft

import "testing"

func TestUsesAlgebra(t *testing.T) {
	for text, want := range map[string]string{
		"import numpy\n": "numpy", "  import numpy as np": "numpy", "from scipy.stats import norm\n": "scipy", "x\nimport pandas": "pandas",
		`   "import torch\n",`: "torch", "import numpyish\n": "", "# import numpy\n": "", "import csv, numpy\n": "numpy", "import csv, x.numpy\n": "", "print('import numpy')\n": "", "": "",
	} {
		got := ""
		if m := usesAlgebra.FindStringSubmatch(text); m != nil {
			got = m[1]
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

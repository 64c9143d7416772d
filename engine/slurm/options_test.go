package slurm

import "testing"

func TestCheckOptions(t *testing.T) {
	for option, good := range map[string]bool{
		"--account=physics": true, "-A": true, "-Aphysics": true, "--comment=a b": true, "--mem=1G": true, "--time=5": true, "--exclusive": true, "--qos=high": true,
		"--constraint=a": true, "-p": true, "--nodelist=n1": true, "-C": true,
		"": false, "-": false, "--": false, "paper.sh": false, "--array=0-1": false, "-a0-1": false, "-a": false, "--arr=0": false, "--wrap=id": false, "--wra=id": false,
		"--dependency=x": false, "--dep=x": false, "-H": false, "-n4": false, "--ntasks=4": false, "--output=/dev/null": false, "--test-only": false, "--wait": false, "-W": false,
	} {
		if err := CheckOptions([]string{"--account=x", option}); (err == nil) != good {
			t.Errorf("%q: %v", option, err)
		}
	}
	if CheckOptions(nil) != nil {
		t.Error("no options are refused")
	}
}

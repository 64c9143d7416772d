package sample

import "testing"

func TestName(t *testing.T) {
	if Name(7) != "seven" || Name(1) != "few" || Name(9) != "many" {
		t.Fail()
	}
}

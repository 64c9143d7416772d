package sample

import "testing"

func TestName(t *testing.T) {
	if Name(7) != "seven" || Name(1) != "things" || Name(9) != "many" {
		t.Fail()
	}
}

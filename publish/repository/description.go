package repository

import (
	"time"

	"repro/archive/deposit"
)

// description is what a target is told about a deposit (SPEC.md, DEP-4).
type description struct {
	*deposit.Deposit
	Mark       string // an identifier by which the deposit is found again
	Collection string
	Embargo    string // date
}

// embargoed reports whether files are held back.
func (d *description) embargoed() bool { return d.Embargo != "" }

// checkEmbargo reports whether a date is one, and to come.
func checkEmbargo(date string, now time.Time) bool {
	t, err := time.Parse("2006-01-02", date)
	return err == nil && t.After(now)
}

// licenceAddress is where SPDX has a licence's text; "" if it is not one of its list.
func licenceAddress(licence string) string {
	if !deposit.SingleLicence(licence) {
		return ""
	}
	return "https://spdx.org/licenses/" + licence
}

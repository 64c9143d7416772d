package recipe

import (
	"errors"

	"repro/internal/form"
)

// Wrong says why value cannot stand under a key of a recipe that takes one
// line: title, licence, doi, orcid, email or program; ""
// if it can.
func Wrong(key, value string) string {
	if value == "" || len(value) > MaxText {
		return "empty, or too long"
	}
	for _, r := range value {
		if form.IsControl(r) || r == '\n' || r == '\t' {
			return "has a control character"
		}
	}
	checks := map[string]func(string) string{
		"licence": checkLicence, "doi": checkDOI, "orcid": checkORCID, "email": checkEmail, "program": checkProgram,
	}
	if check := checks[key]; check != nil {
		return check(value)
	}
	return ""
}

// CheckName says why s cannot be the name of a step or result, if it cannot.
func CheckName(s string) error {
	if why := checkName(s); why != "" {
		return errors.New(why)
	}
	return nil
}

package gateway

import (
	"fmt"
	"io"
	"os"
	"strings"

	"repro/gateway/identity"
)

// addProvider is the command that lets people sign in at a provider. Its secret
// is read from a file: what stands in a command line, everybody on the machine
// can read.
func addProvider(args []string, stdout io.Writer) error {
	var data string
	f := flags(&data)
	secret, scopes := f.String("secret", "", ""), f.String("scopes", "", "")
	if err := parse(f, args, 4); err != nil {
		return err
	}
	p := identity.Provider{ID: f.Arg(0), Name: f.Arg(1), Issuer: f.Arg(2), Client: f.Arg(3)}
	if *scopes != "" {
		p.Scopes = strings.Split(*scopes, ",")
	}
	if *secret != "" {
		b, err := os.ReadFile(*secret)
		if err != nil {
			return err
		}
		p.Secret = strings.TrimSpace(string(b))
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	if err := identity.AddProvider(data, p); err != nil {
		return err
	}
	_, err := fmt.Fprintf(stdout, "added %s\nreturn addresses end in %s\n", p.ID, identity.ReturnPath(p.ID))
	return err
}

// Command repro-keyless signs standard input by who its user is, without a key
// file, and writes a sigstore bundle: it signs in with an OpenID Connect
// provider, lets an authority (Fulcio) certify a key that it throws away, and
// lets logs (Rekor) and time-stamping authorities state when. `repro sign
// --keyless` starts it. It is a module of its own, so that nothing of what it
// needs is part of repro.
//
// Without --fulcio it uses sigstore's public services. With --fulcio, such as a
// journal's own, it uses those that are named and no others.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sigstore/sigstore-go/pkg/sign"
	"github.com/sigstore/sigstore/pkg/oauthflow"
	"google.golang.org/protobuf/encoding/protojson"
)

// Sigstore's public services.
const (
	publicFulcio = "https://fulcio.sigstore.dev"
	publicRekor  = "https://rekor.sigstore.dev"
	publicIssuer = "https://oauth2.sigstore.dev/auth"
)

const (
	maxMessage = 4 << 20
	maxToken   = 64 << 10
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "repro-keyless:", err)
		os.Exit(1)
	}
}

type options struct {
	token, issuer, client, fulcio, rekor string
	rekorVersion                         uint
	tsa                                  []string
}

func parse(args []string) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("repro-keyless", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.token, "identity-token", "", "file that holds the provider's token")
	f.StringVar(&o.issuer, "oidc-issuer", publicIssuer, "provider to sign in with")
	f.StringVar(&o.client, "oidc-client", "sigstore", "what the provider calls this program")
	f.StringVar(&o.fulcio, "fulcio", "", "who certifies")
	f.StringVar(&o.rekor, "rekor", "", "log that publishes")
	f.UintVar(&o.rekorVersion, "rekor-version", 1, "1 or 2")
	f.Func("tsa", "time-stamping authority", func(url string) error { o.tsa = append(o.tsa, url); return nil })
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("%q: want flags only", f.Arg(0))
	}
	if o.fulcio == "" {
		o.fulcio = publicFulcio
		if o.rekor == "" {
			o.rekor = publicRekor
		}
	}
	if o.rekor == "" && len(o.tsa) == 0 {
		return nil, errors.New("name a log (--rekor) or a time-stamping authority (--tsa): without a time nobody can check the signature in an hour")
	}
	return o, nil
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	message, err := io.ReadAll(io.LimitReader(in, maxMessage+1))
	if err != nil {
		return err
	}
	if len(message) == 0 || len(message) > maxMessage {
		return fmt.Errorf("%d bytes to sign, want 1 to %d", len(message), maxMessage)
	}
	token, err := o.identify()
	if err != nil {
		return err
	}
	k, err := sign.NewEphemeralKeypair(nil)
	if err != nil {
		return err
	}
	with := sign.BundleOptions{
		Context:                    ctx,
		CertificateProvider:        sign.NewFulcio(&sign.FulcioOptions{BaseURL: strings.TrimSuffix(o.fulcio, "/")}),
		CertificateProviderOptions: &sign.CertificateProviderOptions{IDToken: token},
	}
	if o.rekor != "" {
		with.TransparencyLogs = []sign.Transparency{sign.NewRekor(&sign.RekorOptions{BaseURL: strings.TrimSuffix(o.rekor, "/"), Version: uint32(o.rekorVersion)})}
	}
	for _, url := range o.tsa {
		with.TimestampAuthorities = append(with.TimestampAuthorities, sign.NewTimestampAuthority(&sign.TimestampAuthorityOptions{URL: url}))
	}
	b, err := sign.Bundle(&sign.PlainData{Data: message}, k, with)
	if err != nil {
		return err
	}
	text, err := protojson.Marshal(b)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

// identify returns the provider's token: out of a file, or by signing in with a
// browser.
func (o *options) identify() (string, error) {
	if o.token == "" {
		t, err := oauthflow.OIDConnect(o.issuer, o.client, "", "", oauthflow.DefaultIDTokenGetter)
		if err != nil {
			return "", fmt.Errorf("sign in at %s: %w", o.issuer, err)
		}
		return t.RawString, nil
	}
	f, err := os.Open(o.token)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxToken {
		return "", fmt.Errorf("%s: more than %d bytes", o.token, maxToken)
	}
	return strings.TrimSpace(string(b)), nil
}

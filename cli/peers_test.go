package cli_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"os"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin/handler"
	"github.com/sylabs/sif/v2/pkg/integrity"
	"github.com/sylabs/sif/v2/pkg/sif"
)

// kmsPlugin is the program sigstore-kms-testing: a key management service
// whose keys are PEM files.
func kmsPlugin() {
	err := func() error {
		args, err := handler.GetPluginArgs(os.Args)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(args.InitOptions.KeyResourceID)
		if err != nil {
			return err
		}
		k, err := cryptoutils.UnmarshalPEMToPrivateKey(b, nil)
		if err != nil {
			return err
		}
		sv, err := signature.LoadSignerVerifier(k, args.InitOptions.HashFunc)
		if err != nil {
			return err
		}
		_, err = handler.Dispatch(os.Stdout, os.Stdin, args, service{sv})
		return err
	}()
	if err != nil {
		_ = handler.WriteErrorResponse(os.Stdout, err)
		os.Exit(1)
	}
}

// service adds what repro never asks for.
type service struct{ signature.SignerVerifier }

var errNotOffered = errors.New("not offered")

func (service) DefaultAlgorithm() string      { return "" }
func (service) SupportedAlgorithms() []string { return nil }
func (service) CreateKey(context.Context, string) (crypto.PublicKey, error) {
	return nil, errNotOffered
}
func (service) CryptoSigner(context.Context, func(error)) (crypto.Signer, crypto.SignerOpts, error) {
	return nil, nil, errNotOffered
}

// sifsign signs an image in place with the library that Apptainer and
// SingularityCE use: sifsign KEY IMAGE.
func sifsign(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sifsign KEY IMAGE")
	}
	ts.Check(func() error {
		file, err := os.Open(ts.MkAbs(args[0]))
		if err != nil {
			return err
		}
		defer file.Close()
		var with integrity.SignerOpt
		if ring, err := openpgp.ReadArmoredKeyRing(file); err == nil {
			with = integrity.OptSignWithEntity(ring[0])
		} else {
			s, err := signature.LoadSignerFromPEMFile(ts.MkAbs(args[0]), crypto.SHA256, nil)
			if err != nil {
				return err
			}
			with = integrity.OptSignWithSigner(s)
		}
		f, err := sif.LoadContainerFromPath(ts.MkAbs(args[1]))
		if err != nil {
			return err
		}
		s, err := integrity.NewSigner(f, with)
		if err != nil {
			return errors.Join(err, f.UnloadContainer())
		}
		if err := s.Sign(); err != nil {
			return errors.Join(fmt.Errorf("sign: %w", err), f.UnloadContainer())
		}
		return f.UnloadContainer()
	}())
}

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"repro/format"
	"repro/format/signature"
	"repro/internal/atomicfile"
	"repro/verify/attestation"
)

func exportSignatureCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "export-signature",
		Usage:     "write the signatures of an image to files that other programs verify",
		ArgsUsage: "IMAGE",
		Description: `Writes what was signed, metadata.json, whose SHA-256 is the content id, and each
signature. An OpenPGP signature is one file; gpg --import alice.pub comes first:

   repro export-signature paper.sif -o signatures
   gpg --verify signatures/1.asc
   sq verify --signer-cert alice.pub signatures/1.asc

A signature in an envelope is two, the bytes that were signed and the signature:

   openssl dgst -sha256 -verify lab.pub -signature signatures/2-1.sig signatures/2.signed
   openssl pkeyutl -verify -pubin -inkey lab.pub -rawin -sigfile signatures/2-1.sig -in signatures/2.signed   # Ed25519

An attestation is one file, a sigstore bundle about metadata.json:

   cosign verify-blob-attestation --key lab.pub --insecure-ignore-tlog --bundle signatures/3.sigstore.json \
      --type https://repro.dev/attestation/review/v1 signatures/metadata.json

They prove who signed metadata.json; that the image is what it lists, repro verify
proves, or sha256sum of its objects.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FOLDER` (default: the image's name with .signatures)"},
		},
		Action: func(ctx *cli.Context) error {
			name, err := oneArgument(ctx, "", "export-signature: name one image")
			if err != nil {
				return err
			}
			image, err := format.Open(name)
			if err != nil {
				return err
			}
			defer image.Close()
			dir := ctx.String("output")
			if dir == "" {
				dir = strings.TrimSuffix(filepath.Base(name), ".sif") + ".signatures"
			}
			return c.exportSignatures(image, dir)
		},
	}
}

func (c *console) exportSignatures(image *format.Image, dir string) error {
	metadata, err := image.Metadata()
	if err != nil {
		return err
	}
	blocks, err := image.Signatures()
	if err != nil {
		return err
	}
	files := []newFile{{name: "metadata.json", content: metadata}}
	for i, o := range blocks {
		if attestation.Is(o.Data) {
			files = append(files, newFile{name: fmt.Sprintf("%d.sigstore.json", i+1), content: o.Data})
			continue
		}
		b, err := signature.Parse(o.Data)
		if err != nil {
			c.note("signature %d is left out: %v", i+1, err)
			continue
		}
		files = append(files, signatureFiles(i+1, b)...)
	}
	if len(files) == 1 {
		return fmt.Errorf("%s: it carries no signature that could be exported", image.Name())
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, f := range files {
		name := filepath.Join(dir, f.name)
		if err := atomicfile.Write(name, f.content, 0o666); err != nil {
			return err
		}
		fmt.Fprintln(c.out, name)
	}
	return nil
}

// signatureFiles are the files of signature n.
func signatureFiles(n int, b *signature.Block) []newFile {
	if b.Clearsigned != nil {
		return []newFile{{name: fmt.Sprintf("%d.asc", n), content: b.Clearsigned.Encode()}}
	}
	files := []newFile{
		{name: fmt.Sprintf("%d.dsse.json", n), content: b.Envelope.Encode()},
		{name: fmt.Sprintf("%d.signed", n), content: b.Envelope.Signed()},
	}
	for i, s := range b.Envelope.Signatures {
		files = append(files, newFile{name: fmt.Sprintf("%d-%d.sig", n, i+1), content: s.Sig})
	}
	return files
}

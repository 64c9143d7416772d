package key

// Encode returns the key as others read it: OpenPGP armour with the checksum
// that GnuPG asks for, or PEM "PUBLIC KEY". Equal keys give equal bytes.
func (p *Public) Encode() ([]byte, error) {
	if p.kind == OpenPGP {
		return p.encodeOpenPGP()
	}
	return p.encodePEM()
}

// Encode returns the private key, encrypted if the passphrase is not empty:
// OpenPGP armour, or PEM (PKCS#8 "PRIVATE KEY", and "ENCRYPTED SIGSTORE
// PRIVATE KEY" as cosign writes it).
func (k *Private) Encode(passphrase []byte) ([]byte, error) {
	if k.Kind() == OpenPGP {
		return k.encodeOpenPGP(passphrase)
	}
	return k.encodePEM(passphrase)
}

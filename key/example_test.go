package key_test

import (
	"fmt"
	"log"

	"repro/key"
)

func Example() {
	alice, err := key.New(key.OpenPGP, key.Options{Name: "Alice Author", Email: "alice@example.org"})
	if err != nil {
		log.Fatal(err)
	}
	pub, err := alice.Public().Encode() // what a reviewer gets
	if err != nil {
		log.Fatal(err)
	}
	p, err := key.ParsePublic(pub)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.UserID(), p.Algorithm(), p.Fingerprint() == alice.Fingerprint())

	secret, err := alice.Encode([]byte("correct horse battery staple"))
	if err != nil {
		log.Fatal(err)
	}
	_, err = key.ParsePublic(secret)
	fmt.Println(err)
	_, err = key.ParsePrivate(secret, nil)
	fmt.Println(err)
	// Output:
	// Alice Author <alice@example.org> ed25519 true
	// a private key where a public one is needed
	// wrong or missing passphrase: the key is encrypted
}

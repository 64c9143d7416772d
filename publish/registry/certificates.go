package registry

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// certificateFolders are where Docker and podman look for the certificates of a
// registry: in each a folder called HOST or HOST:PORT.
func certificateFolders() []string {
	folders := []string{"/etc/containers/certs.d", "/etc/docker/certs.d"}
	if config, err := os.UserConfigDir(); err == nil {
		folders = append(folders, filepath.Join(config, "containers", "certs.d"), filepath.Join(config, "docker", "certs.d"))
	}
	return folders
}

// maxCertificate bounds a file in such a folder.
const maxCertificate = 1 << 20

// certificates returns what a registry's certificate is held against, and by which
// this user is known to it: files called *.crt hold authorities beside those of the
// system, *.cert and *.key a client's certificate and its key.
func certificates(host string, folders []string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	for _, folder := range folders {
		dir := filepath.Join(folder, host)
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("certificates of %s: %w", host, err)
		}
		for _, e := range entries {
			file := filepath.Join(dir, e.Name())
			switch filepath.Ext(file) {
			case ".crt":
				err = addAuthority(c, file)
			case ".cert":
				err = addClient(c, file)
			}
			if err != nil {
				return nil, fmt.Errorf("certificates of %s: %s: %w", host, file, err)
			}
		}
	}
	return c, nil
}

func addAuthority(c *tls.Config, file string) error {
	if c.RootCAs == nil {
		var err error
		if c.RootCAs, err = x509.SystemCertPool(); err != nil {
			c.RootCAs = x509.NewCertPool()
		}
	}
	if info, err := os.Stat(file); err != nil || info.Size() > maxCertificate {
		return errors.Join(err, errors.New("want a file of certificates in PEM"))
	}
	pem, err := os.ReadFile(file)
	if err == nil && !c.RootCAs.AppendCertsFromPEM(pem) {
		err = errors.New("holds no certificate in PEM")
	}
	return err
}

func addClient(c *tls.Config, file string) error {
	pair, err := tls.LoadX509KeyPair(file, strings.TrimSuffix(file, ".cert")+".key")
	c.Certificates = append(c.Certificates, pair)
	return err
}

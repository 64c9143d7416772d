package cli_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"repro/verify/timestamp/timestamptest"
)

// tsa starts a time-stamping authority that lives as long as the script: tsa
// NAME [openssl|broken|YEAR]. Its address is in $NAME, what to trust in NAME.pem.
// With openssl it is `openssl ts` that answers; with a year, its clock shows
// that year.
func tsa(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: tsa NAME [openssl|broken|YEAR]")
	}
	kind := append(args, "")[1]
	now := time.Now()
	if year, err := time.Parse("2006", kind); err == nil {
		now = year.Add(time.Hour)
	}
	a := timestamptest.New(args[0], now.AddDate(0, 0, -1), now.AddDate(5, 0, 0))
	a.Now = func() time.Time { return now }
	var handler http.Handler = a
	switch kind {
	case "openssl":
		handler = openSSL(ts, a)
	case "broken":
		handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) })
	}
	server := httptest.NewServer(handler)
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pem"), a.PEM(), 0o644))
}

// openSSL answers as `openssl ts -reply` does with the key of a.
func openSSL(ts *testscript.TestScript, a *timestamptest.Authority) http.Handler {
	dir, err := os.MkdirTemp(ts.Getenv("TMPDIR"), "tsa")
	ts.Check(err)
	write := func(name string, b []byte) { ts.Check(os.WriteFile(filepath.Join(dir, name), b, 0o600)) }
	der, err := x509.MarshalPKCS8PrivateKey(a.Key)
	ts.Check(err)
	write("tsa.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	write("tsa.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Cert.Raw}))
	write("root.pem", a.PEM())
	write("serial", []byte("01\n"))
	write("tsa.conf", []byte(strings.Join([]string{
		"[tsa]", "default_tsa=t", "[t]", "serial=serial", "signer_cert=tsa.pem", "signer_key=tsa.key", "certs=root.pem",
		"default_policy=1.2.3.4", "digests=sha256,sha384,sha512", "signer_digest=sha512", "accuracy=secs:1", "ess_cert_id_alg=sha256", "",
	}, "\n")))
	var one sync.Mutex // at the file with the serial number
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		one.Lock()
		defer one.Unlock()
		body, err := io.ReadAll(r.Body)
		if err != nil || os.WriteFile(filepath.Join(dir, "q.tsq"), body, 0o600) != nil {
			http.Error(w, "cannot read", http.StatusBadRequest)
			return
		}
		cmd := exec.Command("openssl", "ts", "-reply", "-config", "tsa.conf", "-queryfile", "q.tsq")
		cmd.Dir = dir
		var out, problem bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &problem
		if err := cmd.Run(); err != nil {
			http.Error(w, fmt.Sprint(err, problem.String()), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		_, _ = w.Write(out.Bytes())
	})
}

package cli_test

import (
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/registry"
)

// containerRegistry starts a registry for all scripts and returns its host. It lives
// as long as the test.
var containerRegistry = sync.OnceValue(func() string {
	quiet := registry.Logger(log.New(io.Discard, "", 0))
	return strings.TrimPrefix(httptest.NewServer(registry.New(quiet, registry.WithReferrersSupport(true))).URL, "http://")
})

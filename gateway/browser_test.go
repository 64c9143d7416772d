package gateway

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// browser is a real one, 360 pixels wide, with scripts off.
type browser struct {
	ctx context.Context
	mu  sync.Mutex
	log []string // what it complained of since the last look
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	name, err := exec.LookPath("chromium")
	if err != nil {
		t.Skipf("needs chromium: %v", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(name), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true), chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	ctx, shut := chromedp.NewContext(ctx)
	t.Cleanup(func() { shut(); stop(); cancel() })
	b := &browser{ctx: ctx}
	chromedp.ListenTarget(ctx, func(event any) {
		if e, ok := event.(*log.EventEntryAdded); ok {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.log = append(b.log, e.Entry.Text)
		}
	})
	if err := chromedp.Run(ctx, log.Enable(), network.Enable(), emulation.SetScriptExecutionDisabled(true), emulation.SetDeviceMetricsOverride(360, 740, 1, true)); err != nil {
		t.Fatal(err)
	}
	return b
}

// look opens a page and returns how wide its content is, in pixels, its heading
// and what the browser complained of.
func (b *browser) look(t *testing.T, address string) (width float64, heading string, complaints []string) {
	t.Helper()
	b.mu.Lock()
	b.log = nil
	b.mu.Unlock()
	err := chromedp.Run(b.ctx, chromedp.Navigate(address), chromedp.TextContent("h1", &heading, chromedp.ByQuery),
		chromedp.ActionFunc(func(ctx context.Context) error {
			_, _, _, _, _, content, err := page.GetLayoutMetrics().Do(ctx)
			if err == nil {
				width = content.Width
			}
			return err
		}))
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return width, strings.TrimSpace(heading), b.log
}

// TestBrowser opens every kind of page with hostile names on it in a real
// browser without scripts: nothing breaks the content policy, and nothing is
// wider than a phone (GTW-7).
func TestBrowser(t *testing.T) {
	b := newBrowser(t)
	author, path, _ := submitted(t)
	for _, c := range author.client.Jar.Cookies(mustParse(t, author.origin)) {
		if err := chromedp.Run(b.ctx, network.SetCookie(c.Name, c.Value).WithURL(author.origin).WithHTTPOnly(true)); err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range []string{"/", "/join?token=x", "/v/j", path, path + "/files/", path + "/files/paper", path + "/files/paper/page.html"} {
		width, heading, complaints := b.look(t, author.origin+at)
		if width > 360 || heading == "" || len(complaints) > 0 {
			t.Errorf("%s: %q, %v pixels wide, %q", at, heading, width, complaints)
		}
	}
	wide := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		io.WriteString(w, `<!doctype html><meta name="viewport" content="width=device-width"><h1 style="width:900px">x</h1><img src="/x.png">`)
	}))
	defer wide.Close()
	if width, _, complaints := b.look(t, wide.URL); width <= 360 || len(complaints) == 0 {
		t.Errorf("this test sees nothing: %v pixels, %q", width, complaints)
	}
}

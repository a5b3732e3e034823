//go:build browser

package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	browserlog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// shots names the folder that pictures are written to. Empty: none are.
const shots = "EVERGREEN_SCREENSHOTS"

// window is a browser that looks at one address, and what it complained about.
type window struct {
	t   *testing.T
	ctx context.Context

	mu      sync.Mutex
	trouble []string
}

// openWindow starts a browser for as long as the test runs.
func openWindow(t *testing.T, address string) *window {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.Flag("no-sandbox", true),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("lang", "en-US"), chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute))
	allocator, release := chromedp.NewExecAllocator(context.Background(), options...)
	browser, quit := chromedp.NewContext(allocator)
	ctx, cancel := context.WithTimeout(browser, 2*time.Minute)
	t.Cleanup(func() {
		cancel()
		quit()
		release()
		chromedp.FromContext(browser).Allocator.Wait()
	})
	w := &window{t: t, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("no browser could be started: %v", err)
	}
	if err := chromedp.Listen(browser, func(event any) { w.note(address, event) }); err != nil {
		t.Fatal(err)
	}
	return w
}

// note keeps what a page should not do.
func (w *window) note(address string, event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		w.trouble = append(w.trouble, "exception: "+e.ExceptionDetails.Text)
	case *browserlog.EventEntryAdded:
		w.trouble = append(w.trouble, fmt.Sprint("log: ", e.Entry.Text, " ", e.Entry.URL))
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, address) {
			w.trouble = append(w.trouble, "asked for "+e.Request.URL)
		}
	}
}

// clean fails the test if the page complained or asked another host.
func (w *window) clean() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, line := range w.trouble {
		w.t.Error(line)
	}
}

// do takes steps on the page.
func (w *window) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	if err := chromedp.Do(w.ctx, steps...); err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
}

// until waits for a condition, looking whenever the page changes.
func (w *window) until(condition string) {
	w.t.Helper()
	question := chromedp.Evaluate[bool](`new Promise((resolve) => {
		const look = () => { try { if (`+condition+`) { watch.disconnect(); resolve(true); } } catch {} };
		const watch = new MutationObserver(look);
		watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
		look();
	})`, chromedp.EvalAwaitPromise)
	if _, err := chromedp.Run(w.ctx, question); err != nil {
		w.t.Fatalf("waiting for %s: %v", condition, err)
	}
}

// text is what stands in an element.
func (w *window) text(selector string) string {
	w.t.Helper()
	said, err := chromedp.Run(w.ctx, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%q)?.innerText ?? ""`, selector)))
	if err != nil {
		w.t.Fatal(err)
	}
	return said
}

// picture keeps what the page looks like, if the environment names a folder.
func (w *window) picture(name string) {
	w.t.Helper()
	folder := os.Getenv(shots)
	if folder == "" {
		return
	}
	png, err := chromedp.Run(w.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.MkdirAll(folder, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), png, 0o600)
	}
	if err != nil {
		w.t.Error(err)
	}
}

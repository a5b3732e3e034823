//go:build browser

package dashboard_test

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

	"evergreen/internal/web/api"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	browserlog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// shots names the folder that pictures of the pages are written to. Empty: none
// are.
const shots = "EVERGREEN_SCREENSHOTS"

// browserPatience bounds one test in a browser.
const browserPatience = 60 * time.Second

// browserWindow is a browser that looks at a server, and what it complained about.
type browserWindow struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu       sync.Mutex
	trouble  []string // errors of the console
	asked    []string // every address that was asked for
	expected bool     // requests may fail
}

// browser starts a browser for all the tests that look at pages.
func browser(t *testing.T) context.Context {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.Flag("no-sandbox", true), chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("lang", "en-US"), chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(browserPatience),
	)
	if path := os.Getenv("CHROMIUM"); path != "" {
		options = append(options, chromedp.ExecPath(path))
	}
	allocator, release := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, quit := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		quit()
		release()
		chromedp.FromContext(ctx).Allocator.Wait()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("no browser could be started (install chromium, or name it in CHROMIUM): %v", err)
	}
	return ctx
}

// look opens a window of its own, without cookies, on a server.
func look(t *testing.T, in context.Context, s *api.Server) *browserWindow {
	t.Helper()
	tab, closeTab := chromedp.NewContext(in, chromedp.WithNewBrowserContext())
	ctx, cancel := context.WithTimeout(tab, browserPatience)
	t.Cleanup(func() {
		cancel()
		closeTab()
	})
	w := &browserWindow{t: t, ctx: ctx, base: "http://" + s.Addr().String()}
	if err := chromedp.Listen(tab, w.listen); err != nil {
		t.Fatal(err)
	}
	w.size(1280, 900)
	return w
}

// listen notes what a page should not do.
func (w *browserWindow) listen(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		w.trouble = append(w.trouble, "exception: "+e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		w.trouble = append(w.trouble, fmt.Sprint("console: ", e.Type, " ", e.Args))
	case *browserlog.EventEntryAdded:
		if !w.expected {
			w.trouble = append(w.trouble, fmt.Sprint("log: ", e.Entry.Level, " ", e.Entry.Text, " ", e.Entry.URL))
		}
	case *network.EventRequestWillBeSent:
		w.asked = append(w.asked, e.Request.URL)
	}
}

// clean fails the test if a page complained or asked another server.
func (w *browserWindow) clean() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, line := range w.trouble {
		w.t.Error(line)
	}
	for _, address := range w.asked {
		if !strings.HasPrefix(address, w.base+"/") {
			w.t.Errorf("the page asked for %s", address)
		}
	}
	if len(w.asked) == 0 {
		w.t.Error("nothing was asked for at all")
	}
}

// do takes steps on the page. An element that a fresh copy has replaced between
// being found and being used is looked up anew.
func (w *browserWindow) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	for {
		err := chromedp.Do(w.ctx, steps...)
		if err == nil {
			return
		}
		if w.ctx.Err() != nil || !strings.Contains(err.Error(), gone) {
			w.t.Fatalf("%s: %v", what, err)
		}
	}
}

// gone is the code of the browser's errors about what is no longer there.
const gone = "(-32000)"

func (w *browserWindow) open(path string) {
	w.t.Helper()
	w.do("open "+path, chromedp.Navigate(w.base+path))
}

func (w *browserWindow) size(width, height int64) {
	w.t.Helper()
	w.do("set the size", chromedp.EmulateViewport(width, height))
}

// prefer sets what the system of the reader prefers, such as
// prefers-color-scheme.
func (w *browserWindow) prefer(feature, value string) {
	w.t.Helper()
	w.do("prefer "+value, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: feature, Value: value}},
		})
		return chromedp.Void{}, err
	})
}

// askPage evaluates an expression on the page.
func askPage[T any](w *browserWindow, expression string) T {
	w.t.Helper()
	value, err := chromedp.Run(w.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		w.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// until waits for a condition, looking whenever the page changes. A page that
// gives way to another takes the question with it; then it is asked anew.
func (w *browserWindow) until(condition string) {
	w.t.Helper()
	question := chromedp.Evaluate[bool](`new Promise((resolve) => {
		const met = () => { try { return `+condition+`; } catch { return false; } };
		const watch = new MutationObserver(() => look());
		const look = () => { if (met()) { watch.disconnect(); resolve(true); } };
		watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
		look();
	})`, chromedp.EvalAwaitPromise)
	for {
		_, err := chromedp.Run(w.ctx, question)
		if err == nil {
			return
		}
		if w.ctx.Err() != nil || !strings.Contains(err.Error(), gone) {
			w.t.Fatalf("waited for %s: %v", condition, err)
		}
	}
}

// press presses a key.
func (w *browserWindow) press(keys string) {
	w.t.Helper()
	w.do("press a key", chromedp.KeyEvent(keys))
}

// picture keeps what the page looks like, if the folder for it is named.
func (w *browserWindow) picture(name string) {
	w.t.Helper()
	folder := os.Getenv(shots)
	if folder == "" {
		return
	}
	png, err := chromedp.Run(w.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.MkdirAll(folder, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644)
	}
	if err != nil {
		w.t.Errorf("the picture %s: %v", name, err)
	}
}

// focus gives an element the focus.
func focus(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Focus(chromedp.CSS(selector))
}

// click clicks an element.
func click(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(chromedp.CSS(selector))
}

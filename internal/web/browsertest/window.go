//go:build browser

package browsertest

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

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	browserlog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Shots names the folder that pictures of the pages are written to. Empty: none
// are.
const Shots = "EVERGREEN_SCREENSHOTS"

// patience bounds one test in a browser.
const patience = 2 * time.Minute

// Window is a browser that looks at a server, and what it complained about. One
// goroutine may call its methods.
type Window struct {
	// Base is where the pages stand, without a slash at the end.
	Base string

	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	trouble  []string // errors of the console
	asked    []string // every address that was asked for
	expected bool     // requests may fail
}

// Start starts a browser for all the windows of a test.
func Start(t *testing.T) context.Context {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.Flag("no-sandbox", true), chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("lang", "en-US"), chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(patience),
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

// NewWindow opens a window of its own, without cookies, on what is served at base, such
// as http://127.0.0.1:8000.
func NewWindow(t *testing.T, in context.Context, base string) *Window {
	t.Helper()
	tab, closeTab := chromedp.NewContext(in, chromedp.WithNewBrowserContext())
	ctx, cancel := context.WithTimeout(tab, patience)
	t.Cleanup(func() {
		cancel()
		closeTab()
	})
	w := &Window{t: t, ctx: ctx, Base: base}
	if err := chromedp.Listen(tab, w.listen); err != nil {
		t.Fatal(err)
	}
	w.Size(1280, 900)
	return w
}

// MayFail lets requests of the page fail from here on without being a complaint.
func (w *Window) MayFail() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expected = true
}

// listen notes what a page should not do.
func (w *Window) listen(event any) {
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

// Clean fails the test if a page complained or asked another server, and forgets it.
func (w *Window) Clean() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, line := range w.trouble {
		w.t.Error(line)
	}
	for _, address := range w.asked {
		if !strings.HasPrefix(address, w.Base+"/") {
			w.t.Errorf("the page asked for %s", address)
		}
	}
	if len(w.asked) == 0 {
		w.t.Error("nothing was asked for at all")
	}
	w.trouble, w.asked = nil, nil
}

// Do takes steps on the page. An element that a fresh copy has replaced between
// being found and being used is looked up anew.
func (w *Window) Do(what string, steps ...chromedp.Action[chromedp.Void]) {
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

// Open goes to a page.
func (w *Window) Open(path string) {
	w.t.Helper()
	w.Do("open "+path, chromedp.Navigate(w.Base+path))
}

// Leave goes to no page, so that what is served may end.
func (w *Window) Leave() {
	w.t.Helper()
	w.Do("leave", chromedp.Navigate("about:blank"))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = nil
}

// Size sets the size of what the page sees.
func (w *Window) Size(width, height int64) {
	w.t.Helper()
	w.Do("set the size", chromedp.EmulateViewport(width, height))
}

// Prefer sets what the system of the reader prefers, such as
// prefers-color-scheme.
func (w *Window) Prefer(feature, value string) {
	w.t.Helper()
	w.Do("prefer "+value, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: feature, Value: value}},
		})
		return chromedp.Void{}, err
	})
}

// Ask evaluates an expression on the page.
func Ask[T any](w *Window, expression string) T {
	w.t.Helper()
	value, err := chromedp.Run(w.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		w.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// Until waits for a condition, looking whenever the page changes. A page that
// gives way to another takes the question with it; then it is asked anew.
func (w *Window) Until(condition string) {
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

// Press presses a key.
func (w *Window) Press(keys string) {
	w.t.Helper()
	w.Do("press a key", chromedp.KeyEvent(keys))
}

// Picture keeps what the page looks like, if the folder for it is named.
func (w *Window) Picture(name string) {
	w.t.Helper()
	folder := os.Getenv(Shots)
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

// Focus gives an element the focus.
func Focus(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Focus(chromedp.CSS(selector))
}

// Click clicks an element.
func Click(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(chromedp.CSS(selector))
}

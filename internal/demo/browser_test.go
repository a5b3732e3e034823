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

// herald tells where the dashboard is.
type herald struct {
	unseen
	at chan string
}

func (h herald) Begin(heading []string) {
	for _, line := range heading {
		if _, address, ok := strings.Cut(line, "http://"); ok {
			h.at <- "http://" + strings.Fields(address)[0]
		}
	}
}

// Given a demo with its dashboard open in a browser, when its faults strike, then
// the dot goes from green to reconnecting and back by itself, the timeline tells
// what happened, and the page neither complains nor asks anybody else.
func TestBrowserSeesRealFaults(t *testing.T) {
	h := herald{at: make(chan string, 1)}
	stop, end := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() {
		_, err := Run(stop, t.Context(), Options{Seed: 1, Screen: h, Dashboard: "127.0.0.1:0"})
		ran <- err
	}()
	defer func() {
		end()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	}()
	address := <-h.at

	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.Flag("no-sandbox", true),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("lang", "en-US"), chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute))
	allocator, release := chromedp.NewExecAllocator(context.Background(), options...)
	browser, quit := chromedp.NewContext(allocator)
	defer func() {
		quit()
		release()
		chromedp.FromContext(browser).Allocator.Wait()
	}()
	ctx, cancel := context.WithTimeout(browser, 2*time.Minute)
	defer cancel()
	var mu sync.Mutex
	var trouble []string
	note := func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			trouble = append(trouble, "exception: "+e.ExceptionDetails.Text)
		case *browserlog.EventEntryAdded:
			trouble = append(trouble, fmt.Sprint("log: ", e.Entry.Text, " ", e.Entry.URL))
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, address) {
				trouble = append(trouble, "asked for "+e.Request.URL)
			}
		}
	}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("no browser could be started: %v", err)
	}
	if err := chromedp.Listen(browser, note); err != nil {
		t.Fatal(err)
	}
	do := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	until := func(condition string) {
		t.Helper()
		question := chromedp.Evaluate[bool](`new Promise((resolve) => {
			const look = () => { try { if (`+condition+`) { watch.disconnect(); resolve(true); } } catch {} };
			const watch = new MutationObserver(look);
			watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
			look();
		})`, chromedp.EvalAwaitPromise)
		if _, err := chromedp.Run(ctx, question); err != nil {
			t.Fatalf("waiting for %s: %v", condition, err)
		}
	}
	picture := func(name string) {
		folder := os.Getenv(shots)
		if folder == "" {
			return
		}
		png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name+".png"), png, 0o600)
		}
		if err != nil {
			t.Error(err)
		}
	}
	do("open", chromedp.EmulateViewport(1280, 900), chromedp.Navigate(address+"?theme=light"))
	until(`document.documentElement.dataset.state === "online" && !document.getElementById("livemark").hidden`)
	until(`document.documentElement.dataset.state === "reconnecting"`)
	picture("demo-reconnecting")
	until(`document.documentElement.dataset.state === "online" && document.querySelectorAll(".incident:not(.open)").length >= 2`)
	if os.Getenv(shots) != "" {
		until(`document.querySelectorAll(".incident:not(.open)").length >= 5 && document.documentElement.dataset.state === "online"`)
		do("a page long enough", chromedp.EmulateViewport(1280, 1180))
		picture("dashboard-light")
		do("dark", chromedp.EmulateViewport(390, 1180), chromedp.Navigate(address+"?theme=dark&lang=th"))
		until(`document.documentElement.dataset.theme === "dark" && document.documentElement.dataset.state === "online"`)
		picture("dashboard-dark-thai")
	}
	mu.Lock()
	defer mu.Unlock()
	for _, line := range trouble {
		t.Error(line)
	}
}

package chat_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"evergreen/discordsim"
	"evergreen/internal/web/chat"
	"evergreen/internal/web/page"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// get asks a handler for a path.
func get(h http.Handler, path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func accept(lang string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Accept-Language", lang) }
}

// The page lets in nothing from outside, has nothing written into it that a policy would have
// to allow, and holds no id twice.
func TestPageLetsNothingIn(t *testing.T) {
	a := get(chat.New(chat.Options{Dashboard: "http://127.0.0.1:8000/"}), "/")
	if a.Code != http.StatusOK || a.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %s", a.Code, a.Header().Get("Content-Type"))
	}
	if policy := a.Header().Get("Content-Security-Policy"); policy != page.Policy {
		t.Errorf("the policy is %q", policy)
	}
	body := a.Body.String()
	for what, pattern := range map[string]string{
		"an inline style": `\sstyle=`, "an inline script": `<script>|\son[a-z]+="`, "an element of style": `<style`,
		"a file from elsewhere": `(?:src|action)="(?:https?:)?//|<link[^>]*href="(?:https?:)?//`, "a value that was filtered": `ZgotmplZ`, "a word that is missing": `>[a-z]+\.[a-z.]+<`,
	} {
		if found := regexp.MustCompile(pattern).FindString(body); found != "" {
			t.Errorf("the page has %s: %s", what, found)
		}
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(`\sid="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		if ids[m[1]] {
			t.Errorf("the id %s stands twice", m[1])
		}
		ids[m[1]] = true
	}
	if !strings.Contains(body, `href="http://127.0.0.1:8000/"`) {
		t.Error("it does not link to the dashboard")
	}
}

// Every file that the page or one of its scripts names is there, none is from elsewhere, and
// no script makes markup of what it gets.
func TestFilesAreWhole(t *testing.T) {
	h := chat.New(chat.Options{})
	body := get(h, "/").Body.String()
	paths := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?:href|src|data-green|data-grey)="(assets/[^"]+)"`).FindAllStringSubmatch(body, -1) {
		paths["/"+m[1]] = true
	}
	for _, name := range chat.Files.Names() {
		text := string(chat.Files.Content(name))
		if strings.HasSuffix(name, ".js") {
			for _, m := range regexp.MustCompile(`from "\./([^"]+)"`).FindAllStringSubmatch(text, -1) {
				paths["/assets/"+m[1]] = true
			}
			if found := regexp.MustCompile(`\b(innerHTML|outerHTML|insertAdjacentHTML|DOMParser|document\.write|eval|Function\(|srcdoc)\b`).FindString(text); found != "" {
				t.Errorf("%s uses %s", name, found)
			}
		}
		if found := regexp.MustCompile(`(?:from|import|url\(|fetch\() ?["']?https?://`).FindString(text); found != "" {
			t.Errorf("%s loads from elsewhere: %s", name, found)
		}
	}
	if len(paths) < 15 {
		t.Errorf("only %d files are named", len(paths))
	}
	for path := range paths {
		if a := get(h, path); a.Code != http.StatusOK {
			t.Errorf("%s: %d", path, a.Code)
		}
	}
	for _, path := range []string{"/assets/chat.html", "/assets/", "/nothing", "/attachments/1/2/3"} {
		if a := get(h, path); a.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.Code)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

// The reader's language decides, unless another one was chosen, which is then remembered.
func TestLanguages(t *testing.T) {
	h := chat.New(chat.Options{})
	for _, c := range []struct{ path, accept, want string }{
		{"/", "en-GB,en;q=0.9", `<html lang="en"`}, {"/", "th-TH,th;q=0.9,en;q=0.5", `<html lang="th"`}, {"/?lang=th", "en", `<html lang="th"`}, {"/?theme=dark", "en", `data-theme="dark"`},
	} {
		if a := get(h, c.path, accept(c.accept)); !strings.Contains(a.Body.String(), c.want) {
			t.Errorf("%s for %s lacks %s", c.path, c.accept, c.want)
		}
	}
	if cookie := get(h, "/?lang=th&theme=dark").Header().Values("Set-Cookie"); len(cookie) != 2 {
		t.Errorf("the choices are kept as %v", cookie)
	}
}

// Given a file that a bot has uploaded, then a browser shows a picture, saves anything else,
// and runs nothing of either.
func TestUploadedFilesRunNothing(t *testing.T) {
	kinds := map[string]string{"/attachments/1/2/a.png": "image/png", "/attachments/1/2/a.html": "text/html; charset=utf-8", "/attachments/1/2/a.svg": "image/svg+xml"}
	h := chat.New(chat.Options{Attachments: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kinds[r.URL.Path])
		_, _ = io.WriteString(w, "<script>alert(1)</script>")
	})})
	for path, kind := range kinds {
		a := get(h, path)
		saved := a.Header().Get("Content-Disposition") == "attachment"
		if picture := kind == "image/png"; saved == picture || !picture && a.Header().Get("Content-Type") != "application/octet-stream" {
			t.Errorf("%s: %v", path, a.Header())
		}
		if a.Header().Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(a.Header().Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s: %v", path, a.Header())
		}
	}
}

// What a bot has uploaded is served by the simulator's own handler.
func TestAttachmentsOfTheSimulator(t *testing.T) {
	sim := discordsim.New(discordsim.Config{})
	defer sim.Close()
	if a := get(chat.New(chat.Options{Attachments: sim.Attachments()}), "/attachments/1/2/a.png"); a.Code != http.StatusNotFound {
		t.Errorf("a file that is not there: %d", a.Code)
	}
}

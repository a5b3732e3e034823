package attack

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

// answer writes an answer of REST. It returns when the bot has gone.
type answer func(w http.ResponseWriter, r *http.Request)

// rest is Discord's REST API in which messages that are sent get the given answer, and
// all else goes on to the simulated Discord at base.
func rest(base *url.URL, a answer) http.Handler {
	behind := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: base.Scheme, Host: base.Host})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a != nil && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/messages") {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			a(w, r)
			return
		}
		behind.ServeHTTP(w, r)
	})
}

// bombBytes is how much the gzip bomb unpacks to.
const bombBytes = 4 << 30

func endless(w http.ResponseWriter, _ *http.Request) {
	chunk := []byte(`{"id":"` + strings.Repeat("1", 64<<10))
	for {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

func bomb(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	packed := gzip.NewWriter(w)
	zeros := make([]byte, 1<<20)
	for range bombBytes / len(zeros) {
		if _, err := packed.Write(zeros); err != nil {
			return
		}
	}
	_ = packed.Close()
}

func dripping(w http.ResponseWriter, r *http.Request) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		if _, err := io.WriteString(w, " "); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			return
		}
	}
}

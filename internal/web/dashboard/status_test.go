package dashboard_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/process/logging"
	"evergreen/internal/web/api"
)

func record(at time.Time, text string) slog.Record {
	return slog.NewRecord(at, slog.LevelWarn, text, 0)
}

// The public page is not there unless it was asked for.
func TestStatusPageIsOffByDefault(t *testing.T) {
	if a := ask(t, serve(t, api.Options{}), "GET", "/status"); a.Status != http.StatusNotFound {
		t.Errorf("/status says %d", a.Status)
	}
}

// The public page says how the bot is and was, and nothing of its inside: no
// evidence, no log, no reason with names in it, no routine.
func TestStatusPageIsDiscreet(t *testing.T) {
	s := newScene(evening)
	s.lose()
	s.change(func(s *scene) {
		s.snap.Reason, s.snap.Remedy = health.Text("the name secret-proxy.internal did not resolve"), health.Text("look at secret-proxy.internal")
		s.days[60].Incidents, s.days[60].Worst = 1, &health.Incident{Cause: health.DNSFailure, What: health.Text("secret-proxy.internal")}
		s.incidents[0].What = health.Text("secret-proxy.internal did not answer")
	})
	o := s.options()
	o.Lines = logging.NewRing(nil, nil)
	if err := o.Lines.Handle(t.Context(), record(evening, "secret-proxy.internal")); err != nil {
		t.Fatal(err)
	}
	server := serve(t, o)
	for _, tag := range []string{"en", "th"} {
		a := ask(t, server, "GET", "/status?lang="+tag)
		for _, private := range []string{"secret-proxy", "!ask", "HTTP 503", "asked for a reconnect", "heartbeat", "/runbook", "1.4.0"} {
			if strings.Contains(a.Body, private) {
				t.Errorf("%s: the page tells %q", tag, private)
			}
		}
	}
	a := ask(t, server, "GET", "/status?lang=en")
	for _, want := range []string{"Status of ResearchBot", ">Reconnecting</h1>", "The connection was cut.", "Trouble at Discord. ", "90 days"} {
		if !strings.Contains(a.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// However many strangers ask for the public page, it is made once a second for each
// language and look; a change of state shows at once.
func TestStatusPageIsMadeOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(evening)
		asked := 0
		s.clock = func() time.Time { asked++; return evening.Add(time.Duration(asked) * time.Minute) } // no two pages are equal
		server, err := api.New(s.options())
		if err != nil {
			t.Fatal(err)
		}
		page := func(query string) string {
			w := httptest.NewRecorder()
			server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/status"+query, nil))
			if w.Code != http.StatusOK {
				t.Errorf("the page says %d", w.Code)
			}
			return w.Body.String()
		}
		first := page("")
		for range 50 {
			if page("") != first {
				t.Fatal("it is made for every reader")
			}
		}
		if thai := page("?lang=th"); thai == first || page("?lang=th") != thai || page("?theme=dark") == first {
			t.Error("the languages and looks are not told apart")
		}
		time.Sleep(time.Second)
		second := page("")
		if second == first {
			t.Error("it is not made anew")
		}
		s.lose()
		if lost := page(""); lost == second || !strings.Contains(lost, ">Reconnecting</h1>") {
			t.Error("the change does not show")
		}
	})
}

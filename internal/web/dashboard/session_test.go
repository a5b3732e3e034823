package dashboard

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// A session ends a day after its last use, and only the newest few are kept.
func TestSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions(24 * time.Hour)
		request := func(name string) *http.Request {
			r := &http.Request{Header: http.Header{}}
			r.AddCookie(&http.Cookie{Name: sessionCookie, Value: name})
			return r
		}
		name := s.create()
		for range 30 {
			time.Sleep(23 * time.Hour)
			if !s.holds(request(name)) {
				t.Fatal("a session in use has ended")
			}
		}
		time.Sleep(24 * time.Hour)
		if s.holds(request(name)) || s.holds(request("")) || s.holds(&http.Request{}) {
			t.Error("a session has not ended")
		}
		first := s.create()
		for range 10 * mostSessions {
			time.Sleep(time.Second)
			s.create()
		}
		if len(s.used) != mostSessions || s.holds(request(first)) {
			t.Errorf("%d sessions are kept", len(s.used))
		}
		time.Sleep(24 * time.Hour)
		s.create()
		if len(s.used) != 1 {
			t.Errorf("%d sessions are kept after a day", len(s.used))
		}
	})
}

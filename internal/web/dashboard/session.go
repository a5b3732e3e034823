package dashboard

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"
)

// sessionCookie carries a session. A browser cannot send a token when a person
// follows a link, so the person shows it once and the browser gets this.
const sessionCookie = "evergreen_session"

// mostSessions is how many sessions there are at once; one more ends the one that
// has not been used for the longest.
const mostSessions = 64

// sessions are the logins of this run. The name of one is random and known to its
// browser alone; only its hash is kept here.
type sessions struct {
	lasts time.Duration // after the last use

	mu   sync.Mutex
	used map[[sha256.Size]byte]time.Time // when each was last used
}

func newSessions(lasts time.Duration) *sessions {
	return &sessions{lasts: lasts, used: make(map[[sha256.Size]byte]time.Time)}
}

// create makes a session and returns its name.
func (s *sessions) create() string {
	name, now := rand.Text()+rand.Text(), time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	var idlest [sha256.Size]byte
	var since time.Time
	for key, used := range s.used {
		if now.Sub(used) >= s.lasts {
			delete(s.used, key)
		} else if since.IsZero() || used.Before(since) {
			idlest, since = key, used
		}
	}
	if len(s.used) >= mostSessions {
		delete(s.used, idlest)
	}
	s.used[sha256.Sum256([]byte(name))] = now
	return name
}

// holds reports whether the request belongs to a session, and counts as a use of
// it.
func (s *sessions) holds(r *http.Request) bool {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return false
	}
	key, now := sha256.Sum256([]byte(cookie.Value)), time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	used, ok := s.used[key]
	if !ok {
		return false
	}
	if now.Sub(used) >= s.lasts {
		delete(s.used, key)
		return false
	}
	s.used[key] = now
	return true
}

// end ends the request's session.
func (s *sessions) end(r *http.Request) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.used, sha256.Sum256([]byte(cookie.Value)))
}

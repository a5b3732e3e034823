package gateway_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// dialRecorder remembers which addresses were dialled.
type dialRecorder struct {
	gateway.Dialer
	mu  sync.Mutex
	all []string
}

func (d *dialRecorder) Dial(ctx context.Context, url string) (gateway.Socket, error) {
	d.mu.Lock()
	d.all = append(d.all, url)
	d.mu.Unlock()
	return d.Dialer.Dial(ctx, url)
}

// to lists the addresses with a text in them.
func (d *dialRecorder) to(text string) (found []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, url := range d.all {
		if strings.Contains(url, text) {
			found = append(found, url)
		}
	}
	return found
}

// Given a READY that names a resume URL with a login, or a saved session that does, then
// it is never dialled: the session is resumed at the base URL, and the observer is told.
func TestResumeURLThatIsNotTrusted(t *testing.T) {
	const odd = "ws://user:pass@resume.discord.sim"
	var kept gateway.Session
	d := &dialRecorder{}
	set := config{options: func(o *gateway.Options) { d.Dialer, o.Dialer = o.Dialer, d }}
	run(t, set, func(h *harness) {
		h.Inject(discordsim.Fault{Name: "ready-url", Text: odd})
		h.startLive()
		for _, fault := range []string{"cut", "op7", "half-open"} {
			h.Inject(discordsim.Fault{Name: fault, For: time.Minute})
			h.untilResumed(time.Minute)
			h.Advance(time.Minute)
		}
		if n := len(observed[gateway.AddressRefused](h)); n != 1 {
			t.Errorf("the observer was told %d times", n)
		}
		h.WantIdentifies(1)
		if kept = h.shard.Session(); strings.Contains(kept.ResumeURL, "user") {
			t.Errorf("the session would be kept with %q", kept.ResumeURL)
		}
	})
	if urls := d.to("user"); len(urls) > 0 {
		t.Errorf("dialled %q", urls)
	}
	kept.ResumeURL = odd
	set.options = func(o *gateway.Options) {
		d.Dialer, o.Dialer = o.Dialer, d
		o.Session = gateway.Session{ID: "a", ResumeURL: odd, Seq: 1}
	}
	run(t, set, func(h *harness) {
		h.startLive() // the simulator does not know the session
		if urls := d.to("user"); len(urls) > 0 {
			t.Errorf("dialled %q", urls)
		}
	})
}

// Given Discord's REST API, then a gateway elsewhere is not dialled, no matter which answer names it.
func TestGatewayElsewhereIsNotDialled(t *testing.T) {
	d := &dialRecorder{}
	run(t, config{options: func(o *gateway.Options) {
		d.Dialer, o.Dialer = o.Dialer, d
		o.APIURL = "https://discord.com/api/v10"
		o.Session = gateway.Session{ID: "a", ResumeURL: "wss://evil.example", Seq: 1}
	}}, func(h *harness) {
		h.start()
		h.Advance(5 * time.Minute)
		if urls := d.to("//"); len(urls) > 0 {
			t.Errorf("dialled %q", urls)
		}
		failed := observed[gateway.ConnectFailed](h)
		if len(failed) == 0 || failed[0].Reason.Kind != gateway.ReasonLocate || !strings.Contains(failed[0].Reason.Err.Error(), `the address of the gateway is not used, "ws://gateway.discord.sim": its host is not one of Discord's`) {
			t.Errorf("the failures are %+v", failed)
		}
	})
}

// countingSource is a URLSource that counts its calls. It has the address from the call with
// this number on.
type countingSource struct {
	from  int
	calls int
}

func (s *countingSource) GatewayURL(context.Context, string) (string, error) {
	if s.calls++; s.calls < s.from {
		return "", errors.New("503 Service Unavailable")
	}
	return "ws://gateway.discord.sim", nil
}

// Given a saved session and a base URL that is not known yet, then what the resume URL is
// held against is asked for first, once, and decides whether the token may go there.
func TestSavedResumeURLIsHeldAgainstTheBaseURL(t *testing.T) {
	const good, odd = "ws://resume.discord.sim", "ws://user:pass@resume.discord.sim"
	for _, c := range []struct {
		name, api, resumeURL string
		from                 int
		want                 string // what is dialled for the first RESUME
		calls                int    // of the URLSource, by then
	}{
		{"good", "", good, 1, good, 1},
		{"good, of an API", "http://discord.sim", good, 1, good, 0},
		{"odd", "", odd, 1, "ws://gateway.discord.sim", 2},
		{"odd, of an API", "http://discord.sim", odd, 1, "ws://gateway.discord.sim", 1},
		{"good, the base URL is known late", "", good, 3, good, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			source := &countingSource{from: c.from}
			var server scriptedServer
			d := &dialRecorder{Dialer: &server}
			run(t, config{options: func(o *gateway.Options) {
				o.Dialer, o.URLSource, o.APIURL = d, source, c.api
				o.Session = gateway.Session{ID: "a", ResumeURL: c.resumeURL, Seq: 1}
			}}, func(h *harness) {
				h.start()
				h.Until(time.Minute, "RESUME is sent", func() bool { return h.shard.Stats().Resumes == 1 })
				if all := d.to("//"); len(all) != 1 || !strings.HasPrefix(all[0], c.want) || source.calls != c.calls {
					t.Errorf("dialled %q after %d calls, want %s after %d", all, source.calls, c.want, c.calls)
				}
			})
		})
	}
}

// Given a session whose resume URL is not trusted, when the base URL cannot be reached for
// a while, then each attempt asks for it once.
func TestBaseURLIsAskedForOnceAnAttempt(t *testing.T) {
	source := &countingSource{}
	var server scriptedServer
	server.refuse("gateway")
	run(t, config{options: func(o *gateway.Options) {
		o.Dialer, o.URLSource = &server, source
		o.Session = gateway.Session{ID: "a", ResumeURL: "ws://user:pass@resume.discord.sim", Seq: 1}
	}}, func(h *harness) {
		h.start()
		h.Advance(time.Minute)
		if dials := int(h.shard.Stats().Dials); dials < 3 || source.calls != dials+1 {
			t.Errorf("%d calls for %d attempts; only the first one does not know what to hold the resume URL against", source.calls, dials)
		}
	})
}

// Given a session that is live at the base URL because its resume URL is not trusted, then
// no spare and no return leads there: neither after op 7, nor in a suspicion, nor later.
func TestSpareKeepsToTrustedAddresses(t *testing.T) {
	var server scriptedServer
	d := &dialRecorder{Dialer: &server}
	run(t, config{options: func(o *gateway.Options) {
		o.Dialer, o.URLSource = d, gateway.FixedURL("wss://gateway.discord.gg")
		o.Session = gateway.Session{ID: "a", ResumeURL: "wss://evil.example", Seq: 1}
	}}, func(h *harness) {
		h.start()
		h.Advance(time.Second)
		server.conn(h, 0).send(scriptedResumed)
		h.Advance(time.Minute)
		if n := server.count(); n != 1 {
			t.Errorf("%d connections; there is nothing to return to", n)
		}
		server.conn(h, 0).send(`{"op":7,"d":null}`)
		h.Advance(time.Second)
		server.conn(h, 1).send(scriptedResumed)
		h.Advance(time.Second)
		server.conn(h, 1).deaf.Store(true)
		h.Until(time.Minute, "the shard holds a spare", func() bool { return server.count() == 3 })
		if urls := d.to("evil"); len(urls) > 0 {
			t.Errorf("dialled %q", urls)
		}
		h.WantIdentifies(0)
	})
}

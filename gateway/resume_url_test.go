package gateway_test

import (
	"context"
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
		kept = h.shard.Session()
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
		if len(failed) == 0 || failed[0].Reason.Kind != gateway.ReasonLocate || !strings.Contains(failed[0].Reason.Err.Error(), "not one of Discord's") {
			t.Errorf("the failures are %+v", failed)
		}
	})
}

package app

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/internal/health"
	"evergreen/internal/process/config"
	"evergreen/internal/simtest"
)

// Given a proxy at whose address no process listens, when the bot is started, then
// it does not give up, and what is wrong is said to be the proxy, by its name and
// without its login, with the variables to look at.
func TestProxyThatIsAwayIsNamed(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := gone.Addr().String()
	_ = gone.Close()
	c := config.Against("https://discord.test/api/v10", "an-unused-token")
	c.AllProxy, c.StateDir = config.NewProxy("http://ada:s3cret@"+address), t.TempDir()
	c.Shards = fleet.All(1)
	log := &simtest.Log{}
	a, err := New(Options{Config: c, Logger: log.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- a.Run(context.Background()) }()
	limit := time.After(50 * time.Second)
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	var open *health.Incident
	for open == nil || open.Cause != health.ProxyFailed {
		select {
		case <-ticker.C:
			open = a.Tracker().Snapshot().Last
		case <-limit:
			t.Fatalf("the proxy was not found to be the cause: %+v\n%s", open, log)
		}
	}
	snap := a.Tracker().Snapshot()
	if says := open.Summary(); !strings.Contains(says, "the proxy http://"+address+" failed") || strings.Contains(says, "s3cret") {
		t.Errorf("the incident says %q", says)
	}
	if snap.Connected || !strings.Contains(snap.Reason.String()+snap.Remedy.String(), "HTTPS_PROXY") {
		t.Errorf("%s; remedy %q", snap.Sentence(), snap.Remedy)
	}
	a.Stop(context.Background(), gateway.KeepSession)
	if err := <-ran; err != nil {
		t.Error(err)
	}
	if log.Has("s3cret") || !log.Has("through a proxy") || !log.Has("proxy=http://"+address) {
		t.Errorf("the log:\n%s", log)
	}
}

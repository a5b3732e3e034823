package doctor

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/process/config"
	"evergreen/internal/process/host"
	"evergreen/internal/process/tokenlock"
	"evergreen/internal/testmode"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	testmode.Waiting()
	goleak.VerifyTestMain(m)
}

// closedPort is an address of this machine at which nobody listens.
const closedPort = "127.0.0.1:1"

// harness is a simulated Discord on a port, a machine in a folder and a bot's
// settings: what a doctor is sent to.
type harness struct {
	t      *testing.T
	sim    *discordsim.Sim
	app    *discordsim.App
	url    string
	folder string // of the machine
	opts   Options
	// skipReady leaves the proof of READY out, in stories about something else.
	skipReady bool
	// shortTimeouts shortens the patience with a gateway that says nothing.
	shortTimeouts bool
}

// newHarness makes a world in which all is well.
func newHarness(t *testing.T, app discordsim.AppConfig) *harness {
	t.Helper()
	sim := discordsim.New(discordsim.Config{})
	t.Cleanup(sim.Close)
	app.Name = "ResearchBot"
	app.Guilds = []*discordsim.Guild{sim.AddGuild("Reading Group"), sim.AddGuild("Café Sciences")}
	s := &harness{t: t, sim: sim, app: sim.AddApp(app), folder: t.TempDir()}
	listener, err := sim.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.url = listener.APIURL()
	c := config.Against(s.url, s.app.Token)
	c.StateDir, c.APIAddr = filepath.Join(t.TempDir(), "data"), closedPort
	if err := os.Mkdir(c.StateDir, 0o700); err != nil {
		t.Fatal(err)
	}
	s.opts = Options{
		Loaded: &config.Loaded{Config: c, Origins: map[string]config.Origin{}}, Version: "1.0",
		Machine: host.Machine{Root: s.folder, Space: func(string) (host.Disk, error) {
			return host.Disk{Free: 40 << 30, Total: 100 << 30, Inodes: -1}, nil
		}},
		Proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
	}
	s.file("etc/resolv.conf", "nameserver 192.0.2.53\n")
	s.file("proc/self/limits", "Max open files            65536                65536                files\n")
	s.file("proc/meminfo", "MemTotal: 8388608 kB\nMemAvailable: 6291456 kB\n")
	s.file("sys/power/state", "")
	s.file("proc/self/net/tcp", "")
	return s
}

// settings changes the bot's settings.
func (s *harness) settings() *config.Config { return &s.opts.Loaded.Config }

// file puts a file on the machine.
func (s *harness) file(path, content string) {
	s.t.Helper()
	path = filepath.Join(s.folder, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// cgroup puts the bot into a control group of version 2.
func (s *harness) cgroup(limit, used, events string) {
	s.file("proc/self/cgroup", "0::/bot\n")
	s.file("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
	s.file("sys/fs/cgroup/bot/cgroup.procs", "1\n")
	s.file("sys/fs/cgroup/bot/memory.max", limit+"\n")
	s.file("sys/fs/cgroup/bot/memory.current", used+"\n")
	s.file("sys/fs/cgroup/bot/memory.events", events+"\n")
}

// shortTimeout leaves a check of the gateway three seconds before it closes the
// connection.
const shortTimeout = 2*closeTimeout + 3*time.Second

// examined is a report, by check.
type examined struct {
	t       *testing.T
	report  Report
	results map[string]Result
}

// examine runs the checks. Whatever they report, the token is not in it.
func (s *harness) examine() *examined {
	s.t.Helper()
	checks, end := Checks(s.opts)
	defer end()
	for i := range checks {
		if s.shortTimeouts && checks[i].Timeout > shortTimeout {
			checks[i].Timeout = shortTimeout
		}
		if s.skipReady && checks[i].ID == "ready" {
			checks[i].Run = func(context.Context) Finding { return pass("left out of this story") }
		}
	}
	all := &examined{t: s.t, results: map[string]Result{}}
	var told []string
	all.report = Examine(s.t.Context(), checks, func(r Result) {
		told = append(told, r.ID)
		all.results[r.ID] = r
		for _, text := range append(append([]string{r.Says}, r.Evidence...), r.Next...) {
			if strings.Contains(text, s.app.Token) {
				s.t.Errorf("%s shows the token", r.ID)
			}
			if strings.TrimSpace(text) == "" {
				s.t.Errorf("%s says nothing on one of its lines: %+v", r.ID, r)
			}
		}
	})
	for i, c := range checks {
		if told[i] != c.ID {
			s.t.Errorf("result %d is of %s, want %s as in the list", i, told[i], c.ID)
		}
	}
	return all
}

// expectOnly expects that one check has the level and every one of the chain that hangs
// on it is skipped, that the next step is told, and that all else is well.
func (s *examined) expectOnly(level Level, id string, next string, skipped ...string) Result {
	s.t.Helper()
	for _, r := range s.report.Results {
		want := Pass
		switch {
		case r.ID == id:
			want = level
		case slices.Contains(skipped, r.ID):
			want = Skip
		}
		if r.Level != want {
			s.t.Errorf("%s is %q, want %q: %s %v", r.ID, r.Level, want, r.Says, r.Evidence)
		}
	}
	r := s.results[id]
	if level != Pass && !strings.Contains(strings.Join(r.Next, "\n"), next) {
		s.t.Errorf("%s: the next step is %q, want one with %q", id, r.Next, next)
	}
	return r
}

// says expects texts somewhere in a result.
func (r Result) says(t *testing.T, texts ...string) {
	t.Helper()
	all := strings.Join(append(append([]string{r.Says}, r.Evidence...), r.Fixed...), "\n")
	for _, text := range texts {
		if !strings.Contains(all, text) {
			t.Errorf("%s: no %q in:\n%s", r.ID, text, all)
		}
	}
}

// The chains: what is skipped when a check fails.
var (
	afterIntents  = []string{"ready", "content"}
	afterLogin    = append([]string{"intents", "budget", "shards", "commands"}, afterIntents...)
	afterREST     = append([]string{"clock", "wss", "login", "latency"}, afterLogin...)
	afterTLS      = append([]string{"rest"}, afterREST...)
	afterTCP      = append([]string{"tls"}, afterTLS...)
	afterDNS      = append([]string{"tcp"}, afterTCP...)
	afterProxy    = append([]string{"dns"}, afterDNS...)
	afterSettings = append([]string{"token", "state", "instance", "proxy", "status", "incidents", "jumps"}, afterProxy...)
)

// fakeResolver resolves what a test wants; a name that is not there does not exist.
type fakeResolver map[string][]string

func (n fakeResolver) LookupNetIP(_ context.Context, network, name string) (addrs []netip.Addr, err error) {
	for _, text := range n[name] {
		if a := netip.MustParseAddr(text); a.Is4() == (network == "ip4") {
			addrs = append(addrs, a)
		}
	}
	if len(addrs) == 0 {
		err = &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return addrs, err
}

// dialTo makes every connection lead to an address, whatever was dialled.
func dialTo(addr string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
}

// hostPort is host:port of an address.
func hostPort(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// finishedWithin fails a test that took too long.
func finishedWithin(t *testing.T, most time.Duration, r Report) {
	t.Helper()
	if r.Took > most {
		t.Errorf("the examination took %s, want %s at most", r.Took, most)
	}
}

// newExamination is an examination as [Checks] would begin it, to learn what it uses.
func newExamination(s *harness) *examination {
	return &examination{Options: s.opts, fingerprint: tokenlock.FingerprintOf(s.settings().Token.Reveal())}
}

// discardLog is a log that nobody reads.
func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

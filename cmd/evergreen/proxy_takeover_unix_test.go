//go:build unix

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/demo"
	"evergreen/internal/freeport"
	"evergreen/internal/testmode"

	"github.com/coder/websocket"
)

// proxyHarness is evergreen proxy as a process of its own, between a simulated Discord and
// a bot.
type proxyHarness struct {
	t        *testing.T
	world    *demo.World
	listener *discordsim.Listener
	folder   string
	// addr and api are where it serves bots and its HTTP API.
	addr, api string
}

func newProxyHarness(t *testing.T) *proxyHarness {
	t.Helper()
	h := &proxyHarness{t: t, folder: t.TempDir(), addr: freeAddress(t), api: freeAddress(t)}
	h.world, h.listener = listeningSim(t)
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(h.console())
			t.Logf("evergreen proxy wrote:\n%s", log)
		}
	})
	return h
}

// freeAddress returns an address of this machine at which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	addr, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

func (h *proxyHarness) console() string { return filepath.Join(h.folder, "console.log") }

// start runs evergreen proxy.
func (h *proxyHarness) start(args ...string) *exec.Cmd {
	h.t.Helper()
	program := exec.Command(os.Args[0], append([]string{"proxy"}, args...)...)
	program.Dir = h.folder
	program.Env = settings(h.world, h.listener, asProgram+"=yes", "HOME="+h.folder, "PATH="+os.Getenv("PATH"), "PROXY_ADDR="+h.addr, "API_ADDR="+h.api)
	startInto(h.t, program, h.console())
	h.t.Cleanup(func() {
		_ = program.Process.Kill()
		_ = program.Wait()
	})
	return program
}

// wantEnd waits until a process has ended as asked.
func (h *proxyHarness) wantEnd(program *exec.Cmd) {
	h.t.Helper()
	limit := time.AfterFunc(patience, func() { _ = program.Process.Kill() })
	defer limit.Stop()
	if err := program.Wait(); err != nil {
		h.t.Errorf("the process before has ended with: %v", err)
	}
}

// printed counts the lines on the console with a text.
func (h *proxyHarness) printed(text string) int {
	log, _ := os.ReadFile(h.console())
	return strings.Count(string(log), text)
}

// awaitListening waits until the address of the proxy is open.
func (h *proxyHarness) awaitListening() {
	h.t.Helper()
	eventually(h.t, "bots can connect", func() (error, bool) {
		conn, err := net.Dial("tcp", h.addr)
		if err == nil {
			_ = conn.Close()
		}
		return err, err == nil
	})
}

// recorder is a bot's handler that writes down what is said, and when it has resumed.
type recorder struct {
	mu      sync.Mutex
	heard   []string
	resumed []time.Time
}

// HandleEvent implements [gateway.Handler].
func (r *recorder) HandleEvent(_ context.Context, e gateway.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Type == "RESUMED" {
		r.resumed = append(r.resumed, time.Now())
	} else {
		r.heard = append(r.heard, content(e))
	}
}

// resumes returns when the bot has resumed.
func (r *recorder) resumes() []time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.resumed)
}

// messages returns what was heard.
func (r *recorder) messages() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.heard)
}

// firsts is a list without what is in it again.
func firsts(all []string) (once []string) {
	for _, one := range all {
		if !slices.Contains(once, one) {
			once = append(once, one)
		}
	}
	return once
}

// dialler connects without a pause, and notes each time that it was refused or not served.
type dialler struct {
	times   int
	longest time.Duration // until it was served
	failed  []string
}

// dialUntil dials until stop is closed.
func (d *dialler) dialUntil(stop <-chan struct{}, dial func(context.Context) error) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		began := time.Now()
		if err := dial(ctx); err != nil {
			d.failed = append(d.failed, err.Error())
		}
		cancel()
		d.times++
		d.longest = max(d.longest, time.Since(began))
	}
}

// upgrade opens a WebSocket, reads HELLO and closes it.
func upgrade(addr string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, _, err := websocket.Dial(ctx, "ws://"+addr+"/?v=10&encoding=json", &websocket.DialOptions{HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}})
		if err != nil {
			return err
		}
		defer func() { _ = conn.CloseNow() }()
		_, _, err = conn.Read(ctx)
		return err
	}
}

// request sends a request on a connection of its own.
func request(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		r.Close = true
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("status %s", response.Status)
		}
		return nil
	}
}

// Given a bot to which people talk without pause, when another evergreen proxy takes over
// again and again, then no connection that is dialled meanwhile is refused or left without
// an answer, the bot resumes each time and hears everything once and in order, and no
// session start is spent.
//
// Statements: G-155.
func TestTakeOverOfTheProxyRefusesNoConnection(t *testing.T) {
	besideOthers(t)
	h := newProxyHarness(t)
	program := h.start()
	h.awaitListening()
	bot := &recorder{}
	awaitLive(t, runBot(t, h.world, h.addr, bot, "MESSAGE_CREATE", "RESUMED"))

	stop := make(chan struct{})
	var running sync.WaitGroup
	var said []string
	running.Go(func() {
		ticks := time.NewTicker(5 * time.Millisecond)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				text := strconv.Itoa(len(said))
				h.world.Sim.Say(h.world.Guilds[0].Channels[0].ID, h.world.People[0].ID, text)
				said = append(said, text)
			case <-stop:
				return
			}
		}
	})
	var bots, rest, api dialler
	running.Go(func() { bots.dialUntil(stop, upgrade(h.addr)) })
	running.Go(func() { rest.dialUntil(stop, request("http://"+h.addr+"/api/v10/gateway")) })
	running.Go(func() { api.dialUntil(stop, request("http://"+h.api+"/livez")) })

	var took []time.Duration
	rounds := testmode.Count(6, 3) // the bot's backoff grows from one to the next
	for round := range rounds {
		began := time.Now()
		next := h.start("--take-over")
		h.wantEnd(program)
		times := eventually(t, "the bot has resumed", func() ([]time.Time, bool) {
			times := bot.resumes()
			return times, len(times) > round
		})
		took = append(took, times[round].Sub(began))
		program = next
	}
	close(stop)
	running.Wait()
	eventually(t, "the bot has heard the last", func() ([]string, bool) {
		heard := bot.messages()
		return heard, len(heard) > 0 && heard[len(heard)-1] == said[len(said)-1]
	})
	if heard := bot.messages(); !slices.Equal(heard, said) {
		t.Errorf("of %d messages the bot has heard %d, in another order or not all of them once: %v", len(said), len(heard), heard)
	}
	t.Logf("%d take-overs, %d things said; from the start of the process until the bot is live again, its own backoff included: %s", rounds, len(said), percentiles(took))
	for what, d := range map[string]*dialler{"WebSocket": &bots, "REST": &rest, "HTTP API": &api} {
		t.Logf("%s: dialled %d times, served after %s at the latest", what, d.times, d.longest.Round(time.Millisecond))
		if len(d.failed) > 0 {
			t.Errorf("%s: %d of %d were refused, as by %s", what, len(d.failed), d.times, d.failed[0])
		}
	}
	if n := h.printed("A bot has identified"); n != 1 || len(took) != len(bot.resumes()) {
		t.Errorf("the bot has identified %d times and resumed %d times", n, len(bot.resumes()))
	}
	if v := h.world.Sim.Verdict(h.world.Bot); v.Identifies != 1 || v.Offline > 0 {
		t.Errorf("%d IDENTIFYs have reached Discord, the bot was offline for %v", v.Identifies, v.Offline)
	}
}

// Given a proxy that was killed, when it is started again, then the bot resumes and hears
// everything. What it has heard last may come again.
func TestKilledProxyIsResumed(t *testing.T) {
	besideOthers(t)
	h := newProxyHarness(t)
	program := h.start()
	h.awaitListening()
	bot := &recorder{}
	awaitLive(t, runBot(t, h.world, h.addr, bot, "MESSAGE_CREATE", "RESUMED"))
	var said []string
	say := func() {
		said = append(said, strconv.Itoa(len(said)))
		h.world.Sim.Say(h.world.Guilds[0].Channels[0].ID, h.world.People[0].ID, said[len(said)-1])
		eventually(t, "the bot has heard it", func() ([]string, bool) {
			heard := firsts(bot.messages())
			return heard, slices.Equal(heard, said)
		})
	}
	var took []time.Duration
	for round := range testmode.Count(6, 3) {
		say()
		if err := program.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = program.Wait()
		began := time.Now()
		program = h.start()
		times := eventually(t, "the bot has resumed", func() ([]time.Time, bool) {
			times := bot.resumes()
			return times, len(times) > round
		})
		took = append(took, times[round].Sub(began))
	}
	say()
	t.Logf("from the start of the process until the bot is live again: %s", percentiles(took))
	if v := h.world.Sim.Verdict(h.world.Bot); v.Identifies != 1 {
		t.Errorf("%d IDENTIFYs have reached Discord", v.Identifies)
	}
}

// Given a proxy that has started the bot's program, when another one takes over that starts
// it too, then the first program has ended before the second starts.
func TestTakeOverEndsTheProgramBeforeItStartsAgain(t *testing.T) {
	t.Parallel()
	h := newProxyHarness(t)
	diary := filepath.Join(h.folder, "diary")
	bot := []string{"--no-api", "--", "sh", "-c", `
		trap 'kill $waiting; echo ended >>` + diary + `; exit 0' TERM
		sleep 600 & waiting=$!
		echo started >>` + diary + `
		wait`}
	awaitDiary := func(want string) {
		t.Helper()
		eventually(t, "what the programs have done: "+want, func() (string, bool) {
			text, _ := os.ReadFile(diary)
			return string(text), strings.Join(strings.Fields(string(text)), " ") == want
		})
	}
	first := h.start(bot...)
	awaitDiary("started")
	second := h.start(append([]string{"--take-over"}, bot...)...)
	h.wantEnd(first)
	awaitDiary("started ended started")
	if err := second.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	h.wantEnd(second)
	awaitDiary("started ended started ended")
}

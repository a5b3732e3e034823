package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/process/tokenlock"
	"evergreen/internal/store"
	"evergreen/internal/testmode"
)

// asProgram makes the test binary behave as the program itself.
const asProgram = "EVERGREEN_TEST_AS_PROGRAM"

func init() {
	if os.Getenv(asProgram) != "" {
		main()
	}
}

// load is how many commands are asked in a second. It takes a bot to which
// Discord has given more than the usual 50 requests a second (G-131), with some
// to spare for what has waited while no process was there.
const (
	commandsPerSecond = 200
	restLimit         = 1000
)

// restartHarness is a simulated Discord on a port, with users who ask without pause.
type restartHarness struct {
	t          testing.TB
	sim        *discordsim.Sim
	app        *discordsim.App
	url        string
	folder     string
	channels   []discordsim.ID
	people     []discordsim.User
	stopAsking chan struct{} // ends the asking
	asked      chan struct{} // closed when the asking has ended
	asking     time.Duration // how long it lasted, once it is silent
	paused     time.Duration // how long the asking paused beside that, because too much waited
}

// newRestartHarness makes a town whose people will spread their commands over enough
// channels that Discord's limit of five answers in five seconds does not count.
func newRestartHarness(t testing.TB) *restartHarness {
	t.Helper()
	sim := discordsim.New(discordsim.Config{
		REST: discordsim.RESTConfig{GlobalLimit: -1},
		// On a machine that is busy with other things the bot falls behind for
		// seconds; that is not what is tested here.
		AnswerGrace: time.Minute,
		Session:     discordsim.SessionConfig{ReplayEvents: 100_000, ReplayBytes: 200 << 20},
	})
	t.Cleanup(sim.Close)
	w := &restartHarness{t: t, sim: sim, folder: t.TempDir(), stopAsking: make(chan struct{}), asked: make(chan struct{})}
	names := make([]string, 2*commandsPerSecond)
	for i := range names {
		names[i] = fmt.Sprint("room-", i)
	}
	guild := sim.AddGuild("busy place", names...)
	for i := range 200 {
		w.people = append(w.people, sim.AddUser(fmt.Sprint("user-", i)))
	}
	sim.AddMembers(guild, w.people...)
	for _, ch := range guild.Channels {
		w.channels = append(w.channels, ch.ID)
	}
	w.app = sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{guild}})
	listener, err := sim.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.url = listener.APIURL()
	return w
}

// startWithLoad starts the program for the first time and, once it is online, the
// asking.
func (w *restartHarness) startWithLoad() *exec.Cmd {
	w.t.Helper()
	program := w.start()
	w.awaitOnline(0)
	// A process that is killed before READY is on the disk has nothing to resume.
	eventually(w.t, "the session on the disk", func() (store.Summary, bool) {
		g, err := store.Inspect(w.t.Context(), filepath.Join(w.folder, "data"), tokenlock.FingerprintOf(w.app.Token))
		return g, err == nil && !g.SessionAlive.IsZero()
	})
	go w.askCommands()
	return program
}

// mostWaiting is how many commands may wait for their answers before people stop
// asking: a machine that is busy with other things cannot do more.
const mostWaiting = 10 * commandsPerSecond

// askCommands asks one command after another until it is told to be quiet. A machine
// that is busy for a moment makes it late, and then it catches up.
func (w *restartHarness) askCommands() {
	defer close(w.asked)
	began := time.Now()
	ticker := time.NewTicker(time.Second / commandsPerSecond)
	defer ticker.Stop()
	looked := began
	for asked := 0; ; {
		select {
		case <-ticker.C:
			if time.Since(looked) > time.Second {
				looked = time.Now()
				if w.sim.Verdict(w.app).Waiting > mostWaiting {
					<-time.After(time.Second)
					began = began.Add(time.Since(looked)) // what was not asked meanwhile is not caught up with
					w.paused += time.Since(looked)
					continue
				}
			}
			for due := int(time.Since(began).Seconds() * commandsPerSecond); asked < due; asked++ {
				w.sim.Say(w.channels[asked%len(w.channels)], w.people[asked%len(w.people)].ID, "!ping", discordsim.Expect())
			}
		case <-w.stopAsking:
			w.asking = time.Since(began) // without the pauses
			return
		}
	}
}

// rate is how many commands were asked in a second, once the asking has ended.
func (w *restartHarness) rate(v discordsim.Verdict) string {
	text := fmt.Sprintf("%d commands, %.0f a second", v.Asked, float64(v.Asked)/w.asking.Seconds())
	if w.paused > 0 {
		text += fmt.Sprintf(" but for %s in which this machine could not", w.paused.Round(time.Second))
	}
	return text
}

// start runs the program as a process of its own.
func (w *restartHarness) start(args ...string) *exec.Cmd {
	w.t.Helper()
	program := exec.Command(os.Args[0], append([]string{"run"}, args...)...)
	program.Dir = w.folder
	program.Env = []string{
		asProgram + "=yes", "HOME=" + w.folder, "DISCORD_API_URL=" + w.url, "DISCORD_TOKEN=" + w.app.Token, "COMMAND_COOLDOWN=0",
		"COMMAND_CONCURRENCY=64", "DISCORD_REST_LIMIT=" + strconv.Itoa(restLimit),
	}
	startInto(w.t, program, filepath.Join(w.folder, "console.log"))
	w.t.Cleanup(func() { _ = program.Process.Kill() })
	return program
}

// startInto starts a program whose output is appended to a file.
func startInto(t testing.TB, program *exec.Cmd, console string) {
	t.Helper()
	log, err := os.OpenFile(console, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	program.Stdout, program.Stderr = log, log
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
}

// awaitExit waits for the end of the program.
func (w *restartHarness) awaitExit(program *exec.Cmd) error {
	w.t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- program.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(time.Minute):
		w.t.Fatalf("the program has not ended; the end of the log:\n%s", w.log())
		return nil
	}
}

// log is the end of what the programs have written.
func (w *restartHarness) log() string {
	text, _ := os.ReadFile(filepath.Join(w.folder, "console.log"))
	return string(text[max(0, len(text)-3000):])
}

// awaitOnline waits until the bot has an answered connection again, and returns
// how long that took.
func (w *restartHarness) awaitOnline(resumed int) time.Duration {
	w.t.Helper()
	start := time.Now()
	for {
		v := w.sim.Verdict(w.app)
		if w.sim.Attached(w.app) && v.Resumed >= resumed {
			return time.Since(start)
		}
		if time.Since(start) > time.Minute {
			w.t.Fatalf("not online after a minute; the end of its log:\n%s", w.log())
		}
		<-time.After(2 * time.Millisecond)
	}
}

// awaitLog waits until a line of the bot's console has the text.
func (w *restartHarness) awaitLog(text string) {
	w.t.Helper()
	eventually(w.t, "on the console: "+text, func() (struct{}, bool) {
		log, err := os.ReadFile(filepath.Join(w.folder, "console.log"))
		return struct{}{}, err == nil && strings.Contains(string(log), text)
	})
}

// lastGap is how long the bot was without a connection before the newest one:
// from the end of the one before to RESUMED.
func (w *restartHarness) lastGap() time.Duration {
	w.t.Helper()
	all := w.sim.Connections(w.app)
	if len(all) < 2 {
		w.t.Fatalf("only %d connections", len(all))
	}
	before, now := all[len(all)-2], all[len(all)-1]
	for _, f := range now.Frames {
		if f.Sent && f.Type == "RESUMED" && !before.Closed.IsZero() {
			return max(0, f.At.Sub(before.Closed))
		}
	}
	w.t.Fatal("the newest connection was not resumed")
	return 0
}

// verdict ends the asking and fails the test unless every command was answered
// exactly once and one IDENTIFY was enough.
func (w *restartHarness) verdict() discordsim.Verdict {
	w.t.Helper()
	close(w.stopAsking)
	<-w.asked
	start := time.Now()
	v := w.sim.Verdict(w.app)
	for v.Waiting > 0 && time.Since(start) < 90*time.Second {
		<-time.After(50 * time.Millisecond)
		v = w.sim.Verdict(w.app)
	}
	if v.Answered != v.Asked || v.Lost != 0 || v.Twice != 0 || v.Identifies != 1 || v.Unheard != 0 {
		w.t.Errorf("%d asked, %d answered, %d lost, %d twice, %d unheard, %d IDENTIFYs", v.Asked, v.Answered, v.Lost, v.Twice, v.Unheard, v.Identifies)
	}
	for _, violation := range v.Violations {
		switch violation.Statement {
		case "G-101", "G-128", "G-129":
			// Each process shows its presence and learns the rate limits anew, and
			// here many follow each other within seconds.
			continue
		}
		w.t.Errorf("the bot broke %s: %s", violation.Statement, violation.What)
	}
	return v
}

// percentiles says how long something took.
func percentiles(gaps []time.Duration) string {
	slices.Sort(gaps)
	at := func(p int) time.Duration { return gaps[min(len(gaps)-1, len(gaps)*p/100)].Round(time.Millisecond) }
	return fmt.Sprintf("median %s, 95 %% %s, longest %s", at(50), at(95), at(100))
}

// restarts is how often a process is ended in a test.
func restarts() int { return testmode.Count(50, 5) }

// besideOthers lets a short test run beside others. In full it runs alone, because its
// times are those of docs/deploys.md.
func besideOthers(t *testing.T) {
	if !testmode.Full() {
		t.Parallel()
	}
}

// Given a bot under load, when its process is stopped or killed at random
// moments and started again, many times each, then no command is lost or
// answered twice and no second IDENTIFY is spent.
// Statements: G-053, G-090, G-091, G-092, G-137.
func TestRestartsUnderLoad(t *testing.T) {
	besideOthers(t)
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			w := newRestartHarness(t)
			program := w.startWithLoad()
			var gaps []time.Duration
			for i := range restarts() {
				<-time.After(time.Duration(20+(i*137)%380) * time.Millisecond)
				if err := program.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
				_ = program.Wait()
				if code := program.ProcessState.ExitCode(); signal == syscall.SIGTERM && code != 0 {
					t.Errorf("round %d: exit code %d", i, code)
				}
				program = w.start()
				gaps = append(gaps, w.awaitOnline(i+1))
			}
			v := w.verdict()
			t.Logf("%d rounds, %s; from the start of the process to RESUMED: %s", len(gaps), w.rate(v), percentiles(gaps))
		})
	}
}

// Given a bot under load, when another process takes over again and again, then
// no command is lost or answered twice, and the first ends with exit code 0.
// Statements: G-155.
func TestTakeOverUnderLoad(t *testing.T) {
	besideOthers(t)
	w := newRestartHarness(t)
	program := w.startWithLoad()
	var gaps []time.Duration
	for i := range restarts() {
		<-time.After(time.Duration(50+(i*137)%300) * time.Millisecond)
		next := w.start("--take-over")
		if err := w.awaitExit(program); err != nil {
			t.Errorf("round %d: %v", i, err)
		}
		w.awaitOnline(i + 1)
		gaps = append(gaps, w.lastGap())
		program = next
	}
	v := w.verdict()
	t.Logf("%d rounds, %s; without a connection: %s", len(gaps), w.rate(v), percentiles(gaps))

	second := w.start()
	_ = second.Wait()
	if code := second.ProcessState.ExitCode(); code != 78 {
		t.Errorf("a second copy ended with exit code %d", code)
	}
}

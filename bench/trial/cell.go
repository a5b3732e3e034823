package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"evergreen/bench/peer"
	"evergreen/discordsim"
)

// cell is one scenario that is played to one bot, on a Discord of its own.
type cell struct {
	peer     *peer.Peer
	scenario Scenario
	pace     Pace
	folder   string

	sim      *discordsim.Sim
	app      *discordsim.App
	world    World
	listener *discordsim.Listener
	proc     *peer.Process
	spent    peer.Usage // by processes that are gone
	latest   peer.Usage // of the one that runs, as far as is known
	perEvent []time.Duration

	mark time.Time // from when on the bot can be online again
}

// Run plays a scenario to a bot. The folder is for the bot's files and what it
// prints. An error is one of this program's, not of the bot's.
func Run(ctx context.Context, p *peer.Peer, sc Scenario, pace Pace, seed uint64, folder string) (Figures, error) {
	f := Figures{Scenario: sc.Name, Peer: p.Name}
	switch {
	case p.Missing != "":
		f.NotRun = p.Missing
		return f, nil
	case sc.Needs != "" && slices.Contains(p.Unable, sc.Needs):
		f.NotRun = "it has no such command"
		return f, nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return f, err
	}
	c := &cell{peer: p, scenario: sc, pace: pace, folder: folder}
	if err := c.open(seed); err != nil {
		return f, err
	}
	defer c.sim.Close()
	if err := c.start(); err != nil {
		return f, err
	}
	defer func() { c.proc.Kill() }()
	if !c.until(time.Minute, func() bool { return c.sim.Attached(c.app) || !c.proc.Alive() }) || !c.proc.Alive() {
		f.NotRun = "it did not come online: " + tail(filepath.Join(folder, "console.log"))
		return f, nil
	}
	f.Ready = c.attachedAt().Sub(c.proc.Began)

	asking, quiet := context.WithCancel(ctx)
	defer quiet()
	var crowd sync.WaitGroup
	crowd.Go(func() { c.world.Chat(asking, c.rate()) })
	// Longer than the time between two IDENTIFYs, so that a bot which is
	// restarted may identify at once.
	c.wait(ctx, 6*time.Second)
	before, began := c.sim.Verdict(c.app), time.Now()
	c.mark = began
	if err := c.play(ctx, began); err != nil {
		return f, err
	}
	c.watch(ctx, began)
	quiet()
	crowd.Wait()
	c.sim.LiftAll()
	c.until(8*time.Second, func() bool { return c.sim.Verdict(c.app).Waiting == 0 })
	c.score(&f, before, began)
	f.Alive = c.proc.Alive()
	c.sampleUsage()
	c.proc.Stop()
	f.Exit = c.proc.Exit()
	c.count(&f)
	return f, errors.Join(c.writeConnections(), ctx.Err())
}

// writeConnections writes the log of the connections into the cell's folder.
func (c *cell) writeConnections() error {
	all := c.sim.Connections(c.app)
	for i := range all {
		all[i].Frames = all[i].Frames[:min(len(all[i].Frames), 20)]
	}
	text, err := json.MarshalIndent(map[string]any{"mark": c.mark, "connections": all[max(0, len(all)-200):]}, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.folder, "connections.json"), text, 0o600)
}

// rate is how many commands a second people ask.
func (c *cell) rate() float64 {
	if c.scenario.Rate == 0 {
		return 1
	}
	return c.scenario.Rate
}

// open makes the Discord of the cell.
func (c *cell) open(seed uint64) error {
	interval := c.pace.Heartbeat
	if c.scenario.Heartbeat > 0 {
		interval = c.scenario.Heartbeat
	}
	c.sim = discordsim.New(discordsim.Config{
		Seed: seed, AnswerGrace: 5 * time.Second, LogFrames: 4000,
		Heartbeat: discordsim.HeartbeatConfig{Interval: interval, Grace: c.pace.Grace},
		Session:   discordsim.SessionConfig{Lifetime: c.pace.Session},
	})
	c.world = NewWorld(c.sim)
	c.app = c.world.App
	listener, err := c.sim.Listen("127.0.0.1:0")
	c.listener = listener
	return err
}

// start starts the bot.
func (c *cell) start() error {
	block := c.pace.blocked()
	proc, err := c.peer.Command.Start(c.folder,
		"DISCORD_API_URL="+c.listener.APIURL(), "DISCORD_TOKEN="+c.app.Token,
		"PING_BLOCK="+block.String(), fmt.Sprintf("PING_BLOCK_MS=%d", block.Milliseconds()))
	if err == nil {
		c.proc = proc
	}
	return err
}

// play carries out the steps, each at its time.
func (c *cell) play(ctx context.Context, began time.Time) error {
	for _, step := range c.scenario.Steps {
		c.wait(ctx, time.Until(began.Add(step.At)))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := c.apply(step); err != nil {
			return fmt.Errorf("%s, %s: %w", c.peer.Name, c.scenario.Name, err)
		}
	}
	return nil
}

// apply carries out one step.
func (c *cell) apply(step Step) error {
	if step.Fault != nil {
		f := *step.Fault
		if step.Here {
			if all := c.sim.Connections(c.app); len(all) > 0 {
				f.Conn = all[len(all)-1].ID
			}
		}
		_, err := c.sim.Inject(f)
		return err
	}
	switch step.Do {
	case Say:
		c.world.say(step.Text)
	case Event:
		c.sim.Emit(c.app, c.app.Guilds[0], step.Text, json.RawMessage(step.Data))
	case Terminate, Kill:
		c.sampleUsage()
		if step.Do == Kill {
			c.proc.Kill()
		} else {
			c.proc.Stop()
		}
		c.spent.CPU, c.spent.Peak, c.latest = c.spent.CPU+c.latest.CPU, max(c.spent.Peak, c.latest.Peak), peer.Usage{}
		return c.start()
	case Freeze:
		c.proc.Signal(syscall.SIGSTOP)
	case Thaw:
		c.proc.Signal(syscall.SIGCONT)
		c.mark = time.Now()
	case Revoke:
		c.sim.ResetToken(c.app)
	case Over:
		c.mark = time.Now()
	case Burst:
		c.burst()
	}
	return nil
}

// settled is how long a connection must last to count.
const settled = 3 * time.Second

// answerTimeout is how long answers may be missing once a bot is online again.
const answerTimeout = 20 * time.Second

// watch waits until the scenario is over, or the bot has been online for long.
func (c *cell) watch(ctx context.Context, began time.Time) {
	end, least := began.Add(c.scenario.For), c.mark.Add(c.scenario.Stay)
	if stay := began.Add(c.scenario.Stay); stay.After(least) {
		least = stay
	}
	for ctx.Err() == nil && time.Now().Before(end) {
		c.sampleUsage()
		if time.Now().After(least) && c.scenario.Stay < c.scenario.For {
			back, ok := c.recovered()
			v := c.sim.Verdict(c.app)
			if ok && (time.Since(back) > 2*settled && v.Waiting <= 3 || time.Since(back) > answerTimeout) {
				return
			}
		}
		if c.scenario.MayEnd && !c.proc.Alive() && time.Now().After(least) {
			return
		}
		c.wait(ctx, 500*time.Millisecond)
	}
}

// recovered returns when the bot was online again for good.
func (c *cell) recovered() (at time.Time, ok bool) {
	var first time.Time
	for _, conn := range c.sim.Connections(c.app) {
		at := answeredAt(conn)
		if at.IsZero() {
			continue
		}
		from := at
		if at.Before(c.mark) {
			if c.scenario.From == AtFault {
				continue // that one is what broke
			}
			from = c.mark
		}
		if isStable(conn, from) && (first.IsZero() || from.Before(first)) {
			first = from
		}
	}
	return first, !first.IsZero()
}

// isStable reports whether a connection lasted for at least settled after a moment.
func isStable(conn discordsim.ConnLog, from time.Time) bool {
	if conn.Closed.IsZero() {
		return time.Since(from) >= settled
	}
	return conn.Closed.Sub(from) >= settled
}

// answeredAt is when a connection was answered READY or RESUMED; zero if it was
// not.
func answeredAt(conn discordsim.ConnLog) time.Time {
	for _, frame := range conn.Frames {
		if frame.Sent && (frame.Type == "READY" || frame.Type == "RESUMED") {
			return frame.At
		}
	}
	if conn.Session != "" {
		return conn.Opened // the frame is out of the log
	}
	return time.Time{}
}

// attachedAt is when the newest connection was answered.
func (c *cell) attachedAt() time.Time {
	all := c.sim.Connections(c.app)
	if len(all) == 0 {
		return time.Now()
	}
	return answeredAt(all[len(all)-1])
}

// sampleUsage records what the process uses.
func (c *cell) sampleUsage() {
	if u, err := c.proc.Usage(); err == nil && u.Peak > 0 {
		c.latest = u
	}
}

// wait sleeps for d or until ctx ends.
func (c *cell) wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// until waits for a condition, at most for limit, and returns it.
func (c *cell) until(limit time.Duration, condition func() bool) bool {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(limit); time.Now().Before(end); <-ticker.C {
		if condition() {
			return true
		}
	}
	return condition()
}

// tail returns the end of a file.
func tail(path string) string {
	text, _ := os.ReadFile(path)
	return string(text[max(0, len(text)-300):])
}

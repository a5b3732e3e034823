package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/sidecar"
	"evergreen/internal/text"
)

// proxied is a bot behind the proxy: its processes, and how it has been. One goroutine does
// things to it; the other methods may be called at the same time.
type proxied struct {
	program Program
	sim     *discordsim.Sim
	app     *discordsim.App
	users   *Users
	status  func() sidecar.Status
	listens chan net.Addr // gets where bots connect; capacity 1
	environ []string      // beside that of the program, once it listens
	watch   sync.WaitGroup
	unwatch context.CancelFunc

	mu         sync.Mutex
	newest     *process // nil before the first start
	older      *process // in a redeploy
	starts     int
	selfEnds   int         // how often it has ended by itself in this episode
	crashes    []time.Time // when processes of it have been killed, or ended by themselves
	again      map[discordsim.ID]bool
	nobody     discordsim.ID // the slash command that was used while nobody was there
	nobodyAt   time.Time
	attendance attendance
}

func newProxied(p Program, w *World, users *Users) *proxied {
	return &proxied{
		program: p, sim: w.Sim, app: w.Bot, users: users, listens: make(chan net.Addr, 1), again: map[discordsim.ID]bool{}, unwatch: func() {},
	}
}

// How the bot is watched.
const (
	// watchEvery is how often it is looked whether the bot is attended.
	watchEvery = 20 * time.Millisecond
	// attendTimeout is how long a bot may take from its start until it is there.
	attendTimeout = 30 * time.Second
	// answerTimeout is how long it may take to answer the first command.
	answerTimeout = 15 * time.Second
	// doubt is how long before a crash what was answered may be answered again by the next
	// process: what had been read within a second, on a machine that is busy.
	doubt = 2 * time.Second
	// mostSelfEnds is how often a bot may end by itself in one episode.
	mostSelfEnds = 3
)

// begin starts the bot at the address of the proxy and waits until it is there. ran gets how
// the proxy has ended, if it does so meanwhile.
func (b *proxied) begin(ctx context.Context, ran chan error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, attendTimeout, errNotConnected)
	defer cancel()
	select {
	case addr := <-b.listens:
		b.environ = []string{"EVERGREEN_GATEWAY_URL=ws://" + addr.String(), "EVERGREEN_API_URL=http://" + addr.String() + "/api", "DISCORD_TOKEN=" + b.app.Token}
	case err := <-ran:
		ran <- nil
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := b.start(); err != nil {
		return err
	}
	watching, cancel := context.WithCancel(context.Background())
	b.unwatch = cancel
	// close waits for it.
	b.watch.Go(func() {
		for b.look(); wait(watching, watchEvery); {
			b.look()
		}
	})
	err := b.until(ctx, func(s sidecar.Status) bool { attended, _, _ := attendedNow(s); return attended })
	if errors.Is(err, errNotConnected) {
		err = fmt.Errorf("%w%s", err, b.newest.lastPrinted())
	}
	return err
}

var errNotConnected = fmt.Errorf("the bot was not connected within %s: it has to connect to the address in EVERGREEN_GATEWAY_URL, as evergreen proxy setup shows", text.Seconds(attendTimeout))

// rehearse lets somebody ask a first thing, and waits for the answer.
func (b *proxied) rehearse(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, answerTimeout, errors.New(
		"the bot has not answered !ping within "+text.Seconds(answerTimeout)+"; the demo counts a reply to the message as the answer"))
	defer cancel()
	asked := b.users.say("!ping")
	return b.until(ctx, func(sidecar.Status) bool { return len(b.sim.Answers(asked)) > 0 })
}

// until waits until something holds of the bot. A process that ends meanwhile is an error,
// and so is a wrong token.
func (b *proxied) until(ctx context.Context, holds func(sidecar.Status) bool) error {
	for {
		s := b.status()
		if holds(s) {
			return nil
		}
		b.mu.Lock()
		newest := b.newest
		b.mu.Unlock()
		switch {
		case s.Counts.WrongTokens > 0:
			return errors.New("the bot has presented another token than that of DISCORD_TOKEN in its environment")
		case newest.endedByItself():
			return newest.endError()
		case !wait(ctx, watchEvery):
			return context.Cause(ctx)
		}
	}
}

// look takes in how the bot is now.
func (b *proxied) look() {
	attended, since, waiting := attendedNow(b.status())
	b.mu.Lock()
	defer b.mu.Unlock()
	b.attendance.note(time.Now(), attended, since, waiting)
}

// start starts a process of the bot.
func (b *proxied) start() error {
	one, err := b.program.start(b.environ...)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.newest = one
	b.starts++
	return nil
}

// startAfter starts a process of the bot after a time.
func (b *proxied) startAfter(ctx context.Context, d time.Duration) error {
	if err := pause(ctx, d); err != nil {
		return err
	}
	return b.start()
}

// kill ends the bot's process at once.
func (b *proxied) kill() {
	b.noteCrash()
	b.newest.kill()
}

// stop ends the bot's process in order.
func (b *proxied) stop(ctx context.Context) { b.newest.stop(ctx) }

// noteCrash notes that a process of the bot ends now, in the middle of what it does.
func (b *proxied) noteCrash() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.crashes = append(b.crashes, time.Now())
}

func (b *proxied) hang() { b.newest.hang() }
func (b *proxied) goOn() { b.newest.goOn() }

// redeploy starts a new process, stops the old one when the new one has taken its place, and
// a time has passed.
func (b *proxied) redeploy(ctx context.Context, lasts time.Duration) error {
	b.mu.Lock()
	b.older = b.newest
	b.mu.Unlock()
	defer func() {
		b.older.stop(ctx)
		b.mu.Lock()
		b.older = nil
		b.mu.Unlock()
	}()
	if err := b.start(); err != nil {
		return err
	}
	limited, cancel := context.WithTimeoutCause(ctx, attendTimeout, errors.New("the new process was not there within "+text.Seconds(attendTimeout)))
	defer cancel()
	inPlace := func(s sidecar.Status) bool { return onStandby(s) || !b.older.runs() }
	if err := b.until(limited, inPlace); err != nil {
		return err
	}
	return pause(ctx, lasts)
}

// askNobody lets somebody use a slash command.
func (b *proxied) askNobody() {
	asked := b.users.use("ping")
	b.mu.Lock()
	defer b.mu.Unlock()
	b.nobody, b.nobodyAt = asked, time.Now()
}

// revive starts the bot if its newest process does not run, and ends its hanging. It returns
// an error once the bot has ended by itself too often in one episode.
func (b *proxied) revive() error {
	b.newest.goOn()
	if b.newest.runs() {
		return nil
	}
	if b.newest.endedByItself() {
		b.noteCrash()
		b.mu.Lock()
		b.selfEnds++
		often := b.selfEnds > mostSelfEnds
		b.mu.Unlock()
		if often {
			return b.newest.endError()
		}
	}
	return b.start()
}

// close ends the bot, and returns when no process of it is left.
func (b *proxied) close(ctx context.Context) {
	b.mu.Lock()
	newest := b.newest
	b.mu.Unlock()
	if newest != nil {
		newest.stop(ctx)
	}
	b.unwatch()
	b.watch.Wait()
}

// answeredAgain counts the commands so far that have two answers as is promised: the first one
// was given by a process that crashed at that time.
func (b *proxied) answeredAgain() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, asked := range b.users.recent() {
		answers := b.sim.Answers(asked)
		if len(answers) == 2 && crashedAround(b.crashes, answers[0].Timestamp) {
			b.again[asked] = true
		}
	}
	return len(b.again)
}

// crashedAround reports whether a process crashed at most doubt after it had answered. The
// answer may have arrived a little after its end.
func crashedAround(crashes []time.Time, answered time.Time) bool {
	for _, crash := range crashes {
		if after := crash.Sub(answered); after > -doubt && after < doubt {
			return true
		}
	}
	return false
}

// toldAfter returns how long the slash command that was used while nobody was there waited
// for its answer; 0: there was none, or it has none.
func (b *proxied) toldAfter() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.nobody == 0 {
		return 0
	}
	for _, answer := range b.sim.Answers(b.nobody) {
		return answer.Timestamp.Sub(b.nobodyAt)
	}
	return 0
}

// beginEpisode forgets what belongs to one episode.
func (b *proxied) beginEpisode() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.selfEnds, b.nobody = 0, 0
}

// ProxiedScore is where things stand with a bot behind the proxy.
type ProxiedScore struct {
	// Attended is whether a bot is there and reads, AttendedPercent for how much of the time
	// one was, in percent, and Longest the longest time in which none was.
	Attended        bool
	AttendedPercent float64
	Longest         time.Duration
	// Starts counts the processes of the bot, Waited the events that waited for one.
	Starts, Waited int
	// Again counts the commands that were answered a second time as is promised: a process
	// of the bot had read them just before it crashed.
	Again int
	// Told counts the slash commands that Evergreen answered for the bot, Lost the events
	// that the bot has not got.
	Told, Lost int64
	// Foreign means that it is not the demo's own bot.
	Foreign bool
}

// score returns where things stand.
func (b *proxied) score() *ProxiedScore {
	again, s, now := b.answeredAgain(), b.status(), time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.attendance.at(now)
	return &ProxiedScore{
		Attended: a.since.IsZero(), AttendedPercent: b.attendance.percent(now), Longest: a.longest,
		Starts: b.starts, Waited: a.waited, Again: again, Told: s.Counts.Told, Lost: s.Counts.Lost + s.Counts.SetAside, Foreign: !b.program.Plain,
	}
}

// commandsFor are what people ask a bot: !ping, which any bot may be taught, and slash
// commands if it is the demo's own.
func commandsFor(p Program) (say, slash []string) {
	if p.Plain {
		return []string{"!ping"}, []string{"ping"}
	}
	return []string{"!ping"}, nil
}

// notes are what the heading says beside that.
func (p Program) notes() (notes []string) {
	if !p.Plain {
		notes = append(notes, "Your bot finds DISCORD_TOKEN, EVERGREEN_GATEWAY_URL and EVERGREEN_API_URL in its environment; Python and Node point its library here. People say !ping; a reply to the message counts as the answer.")
	}
	if !p.canHang() {
		notes = append(notes, "It is not made to hang: this system cannot suspend a process.")
	}
	return notes
}

// describe says what a bot behind the proxy is, for the heading.
func (p Program) describe() string {
	if p.Plain {
		return "a plain bot in a process of its own"
	}
	return fmt.Sprintf("your bot (%s)", p.Command[0])
}

package clients

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
)

var slow = flag.Bool("slow", false, "run the scenarios that take minutes too")

// patience is how long a test waits for one thing. Libraries wait up to a minute before
// they try again, and this machine may be busy.
const patience = 3 * time.Minute

var builder *Builder

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(testAll(m))
}

func testAll(m *testing.M) int {
	work, err := os.MkdirTemp("", "clients-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	here, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	if builder, err = NewBuilder(context.Background(), filepath.Dir(here), work); err != nil {
		panic(err)
	}
	return m.Run()
}

// story is a scenario that is played with a bot.
type story struct {
	name  string
	slow  bool
	relay bool
	rules discordsim.Config
	play  func(*stage)
}

// stage is a World in a test, in which what fails ends the test.
type stage struct {
	*testing.T
	*World
	ctx context.Context
}

func (s *stage) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// begin starts the bot and waits until it is ready and answers.
func (s *stage) begin() {
	s.Helper()
	s.must(s.StartBot())
	s.must(s.Bot.Await(s.ctx, "ready", 1))
	s.Ask()
	s.must(s.AwaitAnswers(s.ctx))
}

// wantUnharmed fails unless every command was answered once, and the bot was online
// throughout, after a number of IDENTIFYs.
func (s *stage) wantUnharmed(identifies int) {
	s.Helper()
	s.must(s.AwaitAnswers(s.ctx))
	if n := s.Answers().Twice; n > 0 {
		s.Errorf("%d commands were answered more than once", n)
	}
	v := s.Sim.Verdict(s.App)
	if v.Identifies != identifies {
		s.Errorf("%d IDENTIFYs have reached Discord, want %d", v.Identifies, identifies)
	}
	if identifies == 1 && v.Offline > 0 {
		s.Errorf("the bot was offline for %v", v.Offline)
	}
}

// Each library's bot lives through each story, unmodified but for the setting that
// evergreen proxy setup prints.
func TestClients(t *testing.T) {
	for _, c := range All() {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			build(t, c)
			for _, one := range stories {
				t.Run(one.name, func(t *testing.T) {
					if one.slow && !*slow {
						t.Skip("it takes minutes; -slow runs it")
					}
					play(t, c, one)
				})
			}
		})
	}
}

// build builds a bot, or skips the test where it cannot be built.
func build(t *testing.T, c *Client) {
	t.Helper()
	if err := builder.Build(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if c.Missing != "" {
		t.Skipf("%s is left out: %s", c, c.Missing)
	}
}

func play(t *testing.T, c *Client, one story) {
	limit := patience
	if one.slow {
		limit += 20 * time.Minute
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	newWorld := NewWorld
	if one.relay {
		newWorld = NewRelayedWorld
	}
	world, err := newWorld(ctx, builder, c, t.TempDir(), one.rules)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{T: t, World: world, ctx: ctx}
	defer func() {
		s.Close()
		if t.Failed() {
			t.Logf("the bot:\n%s", s.Bot.tail())
			t.Logf("Evergreen:\n%s", s.Evergreen.tail())
		}
	}()
	one.play(s)
}

// Each compression that a bot may ask for is the default of a library.
func TestEachCompressionIsALibrarysDefault(t *testing.T) {
	for _, compression := range []string{"", "payload", "zlib-stream", "zstd-stream"} {
		if !slices.ContainsFunc(All(), func(c *Client) bool { return c.Compression == compression }) {
			t.Errorf("no bot here asks for %q", compression)
		}
	}
}

var stories = []story{
	{name: "KilledBotMissesNothing", play: killedBot},
	{name: "ManyGuildsAreThereAtOnce", rules: guildsAtOnce, play: manyGuilds},
	{name: "EvergreenThatIsReplacedLosesNothing", play: replacedEvergreen},
	{name: "CutLineIsResumed", relay: true, play: cutLine},
	{name: "KilledEvergreenLosesNothing", play: killedEvergreen},
	{name: "PresenceOutlivesTheSession", play: lostSession},
	{name: "NewSessionBringsTheTruth", play: newSession},
	{name: "BlockedBotLosesNothing", slow: true, relay: true, play: blockedBot},
	{name: "HeartbeatsAreQuietForFifteenMinutes", slow: true, relay: true, play: fifteenMinutes},
}

// Given a bot that was killed, when meanwhile twenty commands are asked, a channel is made
// and deleted, another one made, and a guild joined, then the bot that is started again
// handles each of them as if it had been there, and Discord sees nothing of it.
func killedBot(s *stage) {
	s.begin()
	s.must(pause(s.ctx, doubt))
	s.KillBot()
	for range 20 {
		s.Ask()
	}
	deleted := s.Sim.AddChannel(s.App.Guilds[0], "deleted-meanwhile", 0)
	s.must(s.DeleteChannel(s.ctx, deleted.ID))
	s.Sim.AddChannel(s.App.Guilds[0], "made-meanwhile", 0)
	s.Sim.Join(s.App, s.Sim.AddGuild("joined-meanwhile"))
	s.must(s.StartBot())
	s.must(s.Bot.Await(s.ctx, "ready", 1))
	for _, what := range []string{"channel deleted-meanwhile", "deleted deleted-meanwhile", "channel made-meanwhile", "join joined-meanwhile"} {
		s.must(s.Bot.Await(s.ctx, what, 1))
	}
	s.wantUnharmed(1)
	if n := s.Answers().Again; n > 0 {
		s.Errorf("%d commands were answered again, and a second had passed", n)
	}
	for _, g := range s.App.Guilds[:2] {
		if s.Bot.Said("join "+g.Name) > 0 {
			s.Errorf("the bot has joined %s, in which it was before", g.Name)
		}
	}
}

// Given a bot, when its connection to Evergreen is cut, then it resumes, and what was
// asked meanwhile is answered once. Its library asks for the compression that is its
// default.
func cutLine(s *stage) {
	s.begin()
	for times := range 3 {
		s.relay.cut()
		s.Ask()
		s.must(s.Bot.Await(s.ctx, "resumed", times+1))
	}
	s.wantUnharmed(1)
	if n := s.Evergreen.Printed("A bot has identified"); n != 1 {
		s.Errorf("the bot has identified %d times", n)
	}
	want := s.Client.Compression
	if (s.relay.compressed() > 0) != (want != "") {
		s.Errorf("%d of the messages were compressed, and it asks for %q by default", s.relay.compressed(), want)
	}
	if want == "payload" { // IDENTIFY asks for it
		want = ""
	}
	if got := s.relay.gateways()[0].Get("compress"); got != want {
		s.Errorf("it asks for the compression %q, want %q", got, want)
	}
}

// Given a bot, when Evergreen is killed and started again, then the bot comes back by
// itself, or ends and is started again, and nothing is lost.
func killedEvergreen(s *stage) {
	s.begin()
	s.KillEvergreen()
	for range 5 {
		s.Ask()
	}
	began := time.Now()
	s.must(s.StartEvergreen(s.ctx))
	s.Logf("bots could connect %v after the start of Evergreen", time.Since(began).Round(time.Millisecond))
	s.awaitBack()
	s.Logf("the bot was live again %v after the start of Evergreen", time.Since(began).Round(time.Millisecond))
	s.wantUnharmed(1)
}

// awaitBack waits until the bot has resumed, or is ready again with a new session: eris gives
// its session up after ten refused connections. One that has ended is started again.
func (s *stage) awaitBack() {
	s.Helper()
	s.must(until(s.ctx, "the bot is back", func() bool {
		return s.Bot.Said("resumed")+s.Bot.Said("ready") > 1 || !s.Bot.Alive()
	}))
	if !s.Bot.Alive() {
		s.Logf("the bot has ended: %s", s.Bot.Exit())
		s.must(s.StartBot())
	}
}

// Given a bot, when another Evergreen takes over from the one that runs, then no connection
// that is dialled meanwhile is refused, the bot resumes, and nothing is lost.
func replacedEvergreen(s *stage) {
	s.begin()
	refused := s.dial()
	for range 2 {
		s.Ask()
		before, began := s.Evergreen, time.Now()
		s.must(s.TakeOver(s.ctx))
		s.Ask()
		s.awaitResumed()
		s.Logf("the bot was live again %v after the start of the new Evergreen", time.Since(began).Round(time.Millisecond))
		if exit := before.Exit(); exit != "0, by itself" {
			s.Errorf("the Evergreen before has ended with %s", exit)
		}
	}
	s.wantUnharmed(1)
	times, why := refused()
	s.Logf("dialled %d times meanwhile", times)
	if len(why) > 0 {
		s.Errorf("%d of %d connections were refused, as by %v", len(why), times, why[0])
	}
	if s.Bot.Exit() != "running" {
		s.Errorf("the bot has ended: %s", s.Bot.Exit())
	}
}

// awaitResumed waits until the bot has resumed at the Evergreen that runs, to which it has
// said nothing else.
func (s *stage) awaitResumed() {
	s.Helper()
	s.must(until(s.ctx, "the bot has resumed", func() bool {
		return s.Evergreen.Printed("A bot has resumed")+s.Evergreen.Printed("A bot has identified") > 0 || !s.Bot.Alive()
	}))
	if n := s.Evergreen.Printed("A bot has identified"); n > 0 {
		s.Errorf("the bot has identified %d times where it could resume", n)
	}
}

// dial connects to Evergreen without a pause, asks for the gateway, and goes on until the
// function that it returns is called. That tells how often, and what has failed.
func (s *stage) dial() (stop func() (times int, failed []error)) {
	ctx, cancel := context.WithCancel(s.ctx)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	done := make(chan struct{})
	times, failed := 0, []error(nil)
	go func() {
		defer close(done)
		for ; ctx.Err() == nil; times++ {
			r, err := http.NewRequestWithContext(s.ctx, http.MethodGet, "http://"+s.address+"/api/v10/gateway", http.NoBody)
			if err == nil {
				var response *http.Response
				if response, err = client.Do(r); err == nil {
					err = response.Body.Close()
				}
			}
			if err != nil {
				failed = append(failed, err)
			}
		}
	}()
	return func() (int, []error) {
		cancel()
		<-done
		return times, failed
	}
}

// guildsAtOnce has Discord send its guilds without pauses.
var guildsAtOnce = discordsim.Config{Identify: discordsim.IdentifyConfig{GuildSpacing: -1}}

// guildsAllowed is how much later than alone a bot may have its guilds, and guildsAllowedBusy
// where the stories run side by side on a machine that is busy: then one process or another
// stands still for seconds. Both are less than what Evergreen waits for a guild that does not
// come, which is ten seconds.
const (
	guildsAllowed     = 3 * time.Second
	guildsAllowedBusy = 9 * time.Second
)

// Given an Evergreen that holds many guilds, when a bot starts, then it has them no more than
// guildsAllowed after its IDENTIFY beyond what its library takes alone. Each guild has 50
// channels and 30 roles.
func manyGuilds(s *stage) {
	count, allowed := 100, guildsAllowedBusy
	if *slow {
		count, allowed = 1000, guildsAllowed
	}
	s.addGuilds(count)
	all := fmt.Sprint("guilds ", len(s.App.Guilds))
	s.must(s.StartBot())
	s.must(s.Bot.Await(s.ctx, all, 1))
	s.must(pause(s.ctx, doubt))
	s.KillBot()
	s.must(s.StartBot())
	s.must(until(s.ctx, "the bot has identified", func() bool { return s.Evergreen.Printed("A bot has identified") == 2 }))
	began := time.Now()
	s.must(s.Bot.Await(s.ctx, all, 1))
	behind := time.Since(began)
	s.Ask()
	s.wantUnharmed(1)
	for _, g := range s.App.Guilds {
		if s.Bot.Said("join "+g.Name) > 0 {
			s.Fatalf("the bot has joined %s, in which it was before", g.Name)
		}
	}
	s.Close()

	bare, err := NewBareWorld(builder, s.Client, s.TempDir(), guildsAtOnce)
	s.must(err)
	defer bare.Close()
	alone := &stage{s.T, bare, s.ctx}
	alone.addGuilds(count)
	alone.must(alone.StartBot())
	alone.must(until(s.ctx, "the bot has identified", func() bool { return alone.Sim.Verdict(alone.App).Identifies == 1 }))
	began = time.Now()
	alone.must(alone.Bot.Await(s.ctx, all, 1))
	took := time.Since(began)
	s.Logf("it has %d guilds after %v, alone after %v", len(s.App.Guilds), behind.Round(time.Millisecond), took.Round(time.Millisecond))
	if behind > took+allowed {
		s.Errorf("it has its guilds after %v, alone after %v", behind, took)
	}
}

// addGuilds has the bot be in further guilds. It must not have been online yet.
func (s *stage) addGuilds(count int) {
	const channels, roles = 50, 30
	for i := range count {
		var names []string
		for k := range channels {
			names = append(names, fmt.Sprintf("channel-%d", k))
		}
		g := s.Sim.AddGuild(fmt.Sprint("many-", i), names...)
		for k := range roles {
			s.Sim.AddRole(g, fmt.Sprint("role-", k), 0)
		}
		s.Sim.Join(s.App, g)
	}
}

// Given a bot that has set a presence, when Discord loses the session, then other users
// see the presence again, and the same when it happens while the bot is away.
func lostSession(s *stage) {
	s.begin()
	s.Say("!busy")
	busy := func() bool {
		status, activity := s.Presence()
		return status == "dnd" && activity == "busy"
	}
	s.must(until(s.ctx, "the presence is seen", busy))
	for times := range 2 {
		if times == 1 {
			s.KillBot()
		}
		_, err := s.Sim.Inject(discordsim.Fault{Name: "session-loss"})
		s.must(err)
		s.must(until(s.ctx, "there is a new session", func() bool {
			return s.Sim.Verdict(s.App).Identifies == 2+times && s.Sim.Attached(s.App)
		}))
		s.must(until(s.ctx, "the presence is seen again", busy))
	}
	s.must(s.StartBot())
	s.must(s.Bot.Await(s.ctx, "ready", 1))
	s.Ask()
	s.wantUnharmed(3)
}

// Given a bot, when Discord is out of reach and forgets the session, and meanwhile a
// channel is deleted, another one made, and a guild joined, then the bot's cache is as
// Discord is afterwards, and its handler of the join has run.
func newSession(s *stage) {
	gone := s.Sim.AddChannel(s.App.Guilds[0], "gone-in-the-gap", 0)
	s.begin()
	for _, host := range []string{"gateway", "resume"} {
		_, err := s.Sim.Inject(discordsim.Fault{Name: "refuse", Host: host})
		s.must(err)
	}
	_, err := s.Sim.Inject(discordsim.Fault{Name: "session-loss"})
	s.must(err)
	s.must(s.DeleteChannel(s.ctx, gone.ID))
	s.Sim.AddChannel(s.App.Guilds[0], "made-in-the-gap", 0)
	s.Sim.Join(s.App, s.Sim.AddGuild("joined-in-the-gap"))
	s.Sim.LiftAll()
	s.must(until(s.ctx, "there is a new session", func() bool { return s.Sim.Verdict(s.App).Identifies == 2 && s.Sim.Attached(s.App) }))
	s.must(s.Bot.Await(s.ctx, "join joined-in-the-gap", 1))
	s.Ask()
	s.wantUnharmed(2)
	if s.Client.caches {
		s.Say("!channels")
		s.must(s.Bot.Await(s.ctx, "channels "+s.truth(), 1))
	}
}

// truth is the ids of all channels.
func (s *stage) truth() string {
	var ids []string
	for _, id := range s.Sim.Channels(s.App) {
		ids = append(ids, id.String())
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// blockSeconds is how long a handler holds up a bot.
const blockSeconds = "90"

// Given a bot that does nothing for 90 s, then it answers what was asked meanwhile, and
// has not identified again. It has the connection of before, but for libraries that take it
// for dead and resume.
func blockedBot(s *stage) {
	s.Env = []string{"BLOCK_SECONDS=" + blockSeconds}
	s.begin()
	s.Say("!block")
	for range 8 {
		s.Ask()
		s.must(pause(s.ctx, 10*time.Second))
	}
	s.wantUnharmed(1)
	if n := s.Evergreen.Printed("A bot has identified"); n != 1 {
		s.Errorf("the bot has identified %d times", n)
	}
	if n := len(s.relay.gateways()); n != 1 && !s.Client.watchdog {
		s.Errorf("the bot has connected %d times", n)
	}
}

var complaint = regexp.MustCompile(`(?i)warn|behind|can't keep up|timed? ?out|zombie|connecting again|heartbeat`)

// Given a bot and a command a minute, then for fifteen minutes its library does not
// complain and does not connect again.
func fifteenMinutes(s *stage) {
	s.begin()
	before := len(s.Bot.Lines())
	for range 15 {
		s.must(pause(s.ctx, time.Minute))
		s.Ask()
	}
	s.wantUnharmed(1)
	if n := len(s.relay.gateways()); n != 1 {
		s.Errorf("the bot has connected %d times", n)
	}
	for _, line := range s.Bot.Lines()[before:] {
		if complaint.MatchString(line) {
			s.Errorf("the library says: %s", line)
		}
	}
}

// pause lets time pass.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

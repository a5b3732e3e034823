package main

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/sidecar"
)

// proxied is what a year has beside its own where a bot lives behind the proxy.
type proxied struct {
	ledger      *ledger                     // nil: the year's bot is ResearchBot
	door        atomic.Pointer[botListener] // where bots connect; nil: nowhere
	bots        []*foreignBot               // those that run, the newest last
	botStarts   int
	botShards   int
	awayUntil   time.Time         // the bot stays away until then
	goOn        func()            // ends the time in which the bot hangs; nil: it does not
	slowSince   time.Time         // since when the bot hangs or is slow; zero: it is not
	slowUntil   time.Time         // when it was slow last
	troubleAt   time.Time         // when something happened to the bot last
	lossAt      time.Time         // when the bot may have lost what it had been given
	restTrouble time.Time         // when REST was in trouble last, if it is not now
	poisoned    int               // how many events there were that end the bot
	reported    sidecar.Counts    // of the processes that have ended
	settled     []settledCounts   // the comparisons of the last longestDoubt, and one before
	annex       *discordsim.Guild // a guild that the bot joins and leaves
	guilds      []*discordsim.Guild
	number      int // of what is made in guilds

	botMu        sync.Mutex
	interactions map[discordsim.ID]time.Time
	died         []*foreignBot   // by an event
	givenUp      []discordsim.ID // commands that the bot could not answer
}

// dialProxy connects a bot to the process that runs.
func (y *year) dialProxy(ctx context.Context, network, addr string) (net.Conn, error) {
	l := y.door.Load()
	if l == nil {
		return nil, errGone
	}
	return l.Dial(ctx, network, addr)
}

// startBot starts a process of the bot.
func (y *year) startBot(token string) {
	b, err := y.newBot(y.botShards, token)
	y.failOn(err)
	if err != nil {
		return
	}
	y.bots = append(y.bots, b)
	y.troubleAt = time.Now()
	y.noteBot(time.Now(), "%s starts", b)
}

// ensureBot starts the bot where none runs.
func (y *year) ensureBot() {
	if len(y.bots) == 0 && !time.Now().Before(y.awayUntil) {
		y.startBot(y.bot.Token)
	}
}

func (y *year) ensureBotAfter(d time.Duration) { y.schedule(y.now+d, y.ensureBot) }

// newestBot returns the process that gets the events; nil while none runs.
func (y *year) newestBot() *foreignBot {
	if len(y.bots) == 0 {
		return nil
	}
	return y.bots[len(y.bots)-1]
}

// noteLoss notes that the bot may lose now what it was given.
func (y *year) noteLoss() {
	now := time.Now()
	y.troubleAt, y.lossAt = now, now
	from := now.Add(-doubtfulTime)
	if since := y.slowSince.Add(-doubtfulTime); !y.slowSince.IsZero() && since.Before(from) && now.Sub(y.slowUntil) < time.Minute {
		from = since
	}
	y.ledger.end(from, now)
}

// killBot ends a process of the bot in the middle of what it does.
func (y *year) killBot(b *foreignBot) {
	y.noteLoss()
	b.kill()
	y.bots = slices.DeleteFunc(y.bots, func(one *foreignBot) bool { return one == b })
	y.noteBot(time.Now(), "%s is gone", b)
}

// stopBot ends a process of the bot in order.
func (y *year) stopBot(b *foreignBot) {
	y.noteLoss()
	b.stop()
	y.noteLoss()
	y.bots = slices.DeleteFunc(y.bots, func(one *foreignBot) bool { return one == b })
	y.noteBot(time.Now(), "%s has stopped", b)
}

// botDied notes a process that an event has ended.
func (y *year) botDied(b *foreignBot) {
	y.botMu.Lock()
	y.died = append(y.died, b)
	y.botMu.Unlock()
	y.wakeUp()
}

// buryBots ends the processes that an event has ended. A supervisor starts the next.
func (y *year) buryBots() {
	y.botMu.Lock()
	died := y.died
	y.died = nil
	y.botMu.Unlock()
	for _, b := range died {
		if slices.Contains(y.bots, b) {
			y.killBot(b)
			y.schedule(y.elapsed()+2*time.Second, y.ensureBot)
		}
	}
}

// restartTime draws how long a bot that has crashed is away.
func restartTime(dice *rand.Rand) time.Duration {
	d := time.Second + time.Duration(dice.ExpFloat64()*float64(5*time.Second))
	if dice.IntN(5) == 0 {
		d += time.Duration(dice.ExpFloat64() * float64(5*time.Minute))
	}
	return d
}

func (y *year) crashBot(dice *rand.Rand) {
	d := restartTime(dice)
	if b := y.newestBot(); b != nil {
		y.killBot(b)
		y.ensureBotAfter(d)
	}
}

// crashLoopBot kills the bot several times, each soon after it has started.
func (y *year) crashLoopBot(dice *rand.Rand) {
	at := y.now
	for range 4 + dice.IntN(8) {
		y.schedule(at, func() {
			if b := y.newestBot(); b != nil {
				y.killBot(b)
				y.ensureBotAfter(time.Second)
			}
		})
		at += 2*time.Second + time.Duration(dice.ExpFloat64()*float64(10*time.Second))
	}
}

// hangBot has the bot neither read nor write for a while.
func (y *year) hangBot(dice *rand.Rand) {
	d := drawDuration(2*time.Second, 10*time.Minute, dice)
	b := y.newestBot()
	if b == nil || y.goOn != nil || !y.slowSince.IsZero() {
		return
	}
	y.note("%s hangs for %s", b, d)
	goOn := b.net.hang()
	y.goOn, y.slowSince, y.slowUntil = goOn, time.Now(), time.Now().Add(d)
	y.lossAt = time.Now()
	y.schedule(y.now+d, func() {
		if y.goOn != nil {
			y.endSlowness(goOn)
		}
	})
}

// endSlowness ends the time in which a bot hangs or is slow.
func (y *year) endSlowness(goOn func()) {
	goOn()
	y.noteLoss()
	y.goOn, y.slowSince = nil, time.Time{}
	y.slowUntil = time.Now()
}

// slowBot has the bot read slowly for a while.
func (y *year) slowBot(dice *rand.Rand) {
	d := drawDuration(time.Minute, 20*time.Minute, dice)
	each := drawDuration(50*time.Millisecond, 2*time.Second, dice)
	b := y.newestBot()
	if b == nil || y.goOn != nil || !y.slowSince.IsZero() {
		return
	}
	y.note("%s takes %s for each read, for %s", b, each, d)
	b.net.readSlowly(each)
	y.goOn, y.slowSince, y.slowUntil = func() { b.net.readSlowly(0) }, time.Now(), time.Now().Add(d)
	y.lossAt = time.Now()
	y.schedule(y.now+d, func() {
		if y.goOn != nil {
			y.endSlowness(y.goOn)
		}
	})
}

// restartBot stops the bot and starts it again.
func (y *year) restartBot(dice *rand.Rand) {
	d := 500*time.Millisecond + time.Duration(dice.ExpFloat64()*float64(8*time.Second))
	for _, b := range slices.Clone(y.bots) {
		y.stopBot(b)
	}
	y.ensureBotAfter(d)
}

// deployBot starts a new process of the bot before the old one ends.
func (y *year) deployBot(dice *rand.Rand) {
	d := drawDuration(time.Second, time.Minute, dice)
	old := y.newestBot()
	if old == nil || len(y.bots) > 1 {
		return
	}
	y.noteLoss()
	y.startBot(y.bot.Token)
	y.schedule(y.now+d, func() {
		if slices.Contains(y.bots, old) {
			y.stopBot(old)
			y.ensureBotAfter(time.Second)
		}
	})
}

// leaveBotAway stops the bot for long.
func (y *year) leaveBotAway(dice *rand.Rand) {
	d := drawDuration(10*time.Minute, 4*time.Hour, dice)
	for _, b := range slices.Clone(y.bots) {
		y.killBot(b)
	}
	y.note("the bot stays away for %s", d)
	y.awayUntil = time.Now().Add(d)
	y.ensureBotAfter(d)
}

// reshardBot starts the bot with another number of shards.
func (y *year) reshardBot(dice *rand.Rand) {
	d := 500*time.Millisecond + time.Duration(dice.ExpFloat64()*float64(8*time.Second))
	next := map[int]int{1: 4, 4: 3, 3: 1}
	for _, b := range slices.Clone(y.bots) {
		y.stopBot(b)
	}
	y.botShards = next[y.botShards]
	y.ensureBotAfter(d)
}

// poisonPrefix begins a message that ends the bot that gets it.
const poisonPrefix = "poison"

func (y *year) isPoison(content string) bool { return strings.HasPrefix(content, poisonPrefix) }

// poisonBot says something that ends the bot.
func (y *year) poisonBot(*rand.Rand) {
	room, person := y.nextAsker()
	y.poisoned++
	y.sim.Say(room, person, fmt.Sprintf("%s %d", poisonPrefix, y.poisoned))
}

// mistakeToken starts the bot with another token for a while.
func (y *year) mistakeToken(*rand.Rand) {
	for _, b := range slices.Clone(y.bots) {
		y.stopBot(b)
	}
	y.startBot(y.bot.Token + "x")
	wrong := y.newestBot()
	y.schedule(y.now+20*time.Second, func() {
		if slices.Contains(y.bots, wrong) {
			y.stopBot(wrong)
		}
		y.ensureBot()
	})
}

// cutBot cuts the connections of the bot, which resumes.
func (y *year) cutBot(*rand.Rand) {
	if b := y.newestBot(); b != nil {
		y.noteLoss()
		b.net.cut()
	}
}

// giveUp notes that the bot could not answer a command in time.
func (y *year) giveUp(id discordsim.ID) {
	y.ledger.excuse(id)
	y.botMu.Lock()
	y.givenUp = append(y.givenUp, id)
	y.botMu.Unlock()
	y.wakeUp()
}

// judgeGivenUp fails the year if the bot could not answer a command although nothing was
// wrong with REST and with the bot itself.
func (y *year) judgeGivenUp() {
	y.botMu.Lock()
	ids := y.givenUp
	y.givenUp = nil
	y.botMu.Unlock()
	since := time.Now().Add(-nonceLifetime)
	if len(ids) > 0 && y.restDown == 0 && y.unreachable == 0 && y.process != nil && y.slowSince.IsZero() && y.restTrouble.Before(since) && y.slowUntil.Before(since) {
		y.fail("message %d could not be answered for %s, and nothing was wrong with REST", ids[0], answerTries)
	}
}

// interactionAsked returns when an interaction was asked.
func (y *year) interactionAsked(id discordsim.ID) time.Time {
	y.botMu.Lock()
	defer y.botMu.Unlock()
	return y.interactions[id]
}

// interactionAnsweredBy is how long an interaction may stay unanswered, whatever the bot
// does: 2.5 s after it has arrived.
const interactionAnsweredBy = 2600 * time.Millisecond

// askInteraction lets a user use a command, and sees whether it is answered in time.
func (y *year) askInteraction(room, person discordsim.ID) {
	now := time.Now()
	fine := !y.inTrouble(now) && y.slow == 0 && y.restDown == 0 && y.sim.Attached(y.bot)
	process := y.process
	y.botMu.Lock()
	id := y.sim.Interact(y.bot, room, person, "ping")
	y.interactions[id] = now
	y.botMu.Unlock()
	y.schedule(y.now+interactionAnsweredBy, func() {
		y.botMu.Lock()
		delete(y.interactions, id)
		y.botMu.Unlock()
		switch {
		case !fine || y.inTrouble(time.Now()) || y.slow > 0 || y.restDown > 0 || y.process != process:
			return
		case now.Sub(y.lossAt) < 4*time.Second, now.Sub(y.slowUntil) < 2*time.Second && y.slowSince.IsZero():
			return
		}
		y.InteractionsJudged++
		if len(y.sim.Answers(id)) == 0 {
			y.fail("interaction %d was not answered within %s", id, interactionAnsweredBy)
		}
	})
}

// changeEvery is the mean time between two changes in guilds.
const changeEvery = 12 * time.Minute

// changeGuilds lets something change in a guild, and schedules the next change.
func (y *year) changeGuilds() {
	y.schedule(y.now+time.Duration(y.rng.ExpFloat64()*float64(changeEvery)), y.changeGuilds)
	g := y.guilds[y.rng.IntN(len(y.guilds))]
	room, person := y.nextAsker()
	y.number++
	name := fmt.Sprintf("made-%d", y.number)
	const mostChannels, mostRoles = 10, 12
	switch n := y.rng.IntN(10); {
	case n < 3 && len(g.Channels) >= mostChannels:
		y.sim.Say(room, person, pruneCommand+g.Channels[len(g.Channels)-1].ID.String())
	case n < 3:
		y.sim.AddChannel(g, name, 0)
	case n == 3 && len(g.Roles) < mostRoles:
		y.sim.AddRole(g, name, 0)
	case n == 4:
		y.sim.RemoveMembers(g, y.crowd[y.number%len(y.crowd)].ID)
	case n == 5:
		y.sim.AddMembers(g, y.crowd[y.number%len(y.crowd)])
	case n == 6:
		m := y.sim.Say(room, person, "what I meant: "+name)
		y.sim.Edit(m.ID, "what I meant is "+name)
		y.sim.React(m.ID, person, "👍")
		y.sim.Delete(m.ID)
	case n == 7:
		y.sim.Emit(y.bot, g, "TYPING_START", map[string]any{"channel_id": g.Channels[0].ID, "guild_id": g.ID, "user_id": person, "timestamp": time.Now().Unix()})
	case n == 8 && !g.Unavailable:
		y.sim.SetUnavailable(g, true)
		y.schedule(y.now+time.Minute, func() { y.sim.SetUnavailable(g, false) })
	case n == 9 && y.rng.IntN(4) == 0:
		if i := slices.Index(y.guilds, y.annex); i >= 0 {
			y.sim.Leave(y.bot, y.annex)
			y.guilds = slices.Delete(y.guilds, i, i+1)
		} else {
			y.sim.Join(y.bot, y.annex)
			y.guilds = append(y.guilds, y.annex)
		}
	}
}

// botSettles is how long after something has happened to the bot everything that waited
// has reached it.
const botSettles = 2 * time.Minute

// checkBot compares what the bot got with what Discord has sent, and fails the year for a
// difference.
func (y *year) checkBot() {
	now := time.Now()
	v := y.sim.Verdict(y.bot)
	y.count(v)
	if fault := y.ledger.failure(); fault != "" {
		y.fail("%s", fault)
	}
	if len(v.Violations) > 0 {
		one := v.Violations[0]
		y.fail("a rule of Discord's was broken: %s %s (%s, connection %d)", one.Statement, one.What, one.At.Sub(y.start), one.Conn)
	}
	for _, id := range y.ledger.commandsBefore(now.Add(-nonceLifetime - time.Minute)) {
		switch n := len(y.sim.Answers(id)); {
		case n == 0 && y.ledger.isExcused(id):
			y.GivenUp++
		case n == 0:
			y.fail("message %d was heard and never answered", id)
		case n > 1 && !y.ledger.isRepeated(id):
			y.fail("message %d was answered %d times, and the bot got it once", id, n)
		default:
			y.Proven++
		}
	}
	b := y.newestBot()
	switch {
	case b == nil || len(y.bots) > 1 || !b.isReady() || now.Sub(y.troubleAt) < botSettles || !y.slowSince.IsZero() || now.Sub(y.slowUntil) < botSettles,
		y.inTrouble(now) || now.Sub(y.deadline) < aftermath || !y.sim.Attached(y.bot):
		return
	}
	const underWay = 30 * time.Second
	if now.Sub(y.ledger.youngest()) < underWay {
		return
	}
	status := y.process.app.Proxy().Status()
	for _, c := range status.Consumers {
		if c.Shard[1] == y.botShards && (!c.Attended || c.Waiting > 0) {
			return
		}
	}
	y.compareSettled(b, status)
}

// settledCounts are the counts at a comparison.
type settledCounts struct {
	at time.Time
	ledgerCounts
	reported int // events that the proxy has told as lost
}

// longestDoubt is how long it may take until an event is told as lost that a bot had when it
// ended.
const longestDoubt = 3 * time.Hour

// lastSettled returns the counts of the last comparison.
func (y *year) lastSettled() settledCounts { return y.settled[len(y.settled)-1] }

// compareSettled compares the bot with the truth at a moment when nothing waits for it.
func (y *year) compareSettled(b *foreignBot, status sidecar.Status) {
	y.Settled++
	if wrong := b.knows(y.guilds); wrong != "" {
		y.fail("%s", wrong)
	}
	c, told := y.ledger.settle()
	if fault := y.ledger.failure(); fault != "" {
		y.fail("%s", fault)
	}
	said := addCounts(y.reported, status.Counts)
	for _, id := range told {
		if len(y.sim.Answers(id)) == 0 {
			y.note("interaction %d was neither given to the bot nor answered for it", id)
			y.Untold++
		}
	}
	y.Told = int(said.Told)
	y.takeLedger(c)
	y.SetAside = int(said.SetAside)
	now := settledCounts{time.Now(), c, int(said.Lost)}
	base := y.settled[0]
	lost, reported := c.Lost-y.lastSettled().Lost, now.reported-y.lastSettled().reported
	doubt := c.Doubtful - base.Doubtful + c.Uncertain - base.Uncertain
	switch {
	case lost > reported:
		y.fail("%d events never reached the bot, and the proxy has told of %d; the last: %q", lost, reported, y.ledger.lastLost())
	case now.reported-base.reported > c.Lost-base.Lost+doubt:
		y.fail("the proxy has told of %d events that were lost since %s, and %d were; %d are in doubt", now.reported-base.reported, base.at.Sub(y.start), c.Lost-base.Lost, doubt)
	case int(said.SetAside) > y.poisoned:
		y.fail("%d events were set aside, and %d end the bot", said.SetAside, y.poisoned)
	case c.SkippedInteractions-y.Untold > int(said.Told):
		y.fail("%d interactions never reached the bot, and the proxy has answered %d", c.SkippedInteractions, said.Told)
	}
	y.settled = append(y.settled, now)
	for len(y.settled) > 1 && now.at.Sub(y.settled[1].at) > longestDoubt { // one that is older stays
		y.settled = y.settled[1:]
	}
	history := y.sim.StatusHistory(y.bot)
	if last := history[len(history)-1]; last.Status != string(botPresence.Status) || last.Activity != botPresence.Activities[0].Name {
		y.fail("others see the bot as %s, %q", last.Status, last.Activity)
	}
}

func addCounts(a, b sidecar.Counts) sidecar.Counts {
	a.Delivered += b.Delivered
	a.Lost += b.Lost
	a.Told += b.Told
	a.SetAside += b.SetAside
	return a
}

// The most files and bytes that the proxy may keep on the disk.
const (
	mostFiles = 8
	mostBytes = 80 << 20
)

// checkFolder fails the year if what the proxy keeps on the disk has grown.
func (y *year) checkFolder() {
	files, bytes := 0, int64(0)
	err := filepath.WalkDir(y.proxyFolder(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), "set-aside-") {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files++
		bytes += info.Size()
		return nil
	})
	y.failOn(err)
	y.MostFiles, y.MostBytes = max(y.MostFiles, files), max(y.MostBytes, bytes)
	if files > mostFiles || bytes > mostBytes {
		y.fail("the proxy keeps %d files with %d bytes", files, bytes)
	}
}

// proxyFolder is where the proxy keeps what survives it.
func (y *year) proxyFolder() string { return filepath.Join(y.folder(), "proxy") }

// settleBot ends what keeps the bot from its events.
func (y *year) settleBot() {
	if y.goOn != nil {
		y.endSlowness(y.goOn)
	}
	y.awayUntil = time.Time{}
	for _, g := range y.guilds {
		y.sim.SetUnavailable(g, false)
	}
	y.ensureBot()
}

// takeLedger takes over what was counted of events.
func (y *year) takeLedger(c ledgerCounts) {
	y.Events, y.Again, y.EventsLost, y.BotStarts = c.Delivered, c.Again, c.Lost, y.botStarts
}

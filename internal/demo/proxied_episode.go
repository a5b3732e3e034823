package demo

import (
	"context"
	"fmt"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/text"
)

// botReport is what came of a strike at a bot behind the proxy.
type botReport struct {
	hung, redeployed bool
	// away is for how long no bot was there and read, waited how many events did meanwhile.
	away   time.Duration
	waited int
	// told counts the slash commands that Evergreen answered, toldAfter is how long the one
	// took that the strike was about; 0: there was none.
	told      int64
	toldAfter time.Duration
	// again counts the commands that were answered twice as is promised, lost the events that
	// the bot has not got.
	again int
	lost  int64
	// selfEnds is how often the bot ended by itself.
	selfEnds int
	// identifies and grey are what Discord has seen of it.
	identifies int
	grey       time.Duration
	// cutShort: the demo was interrupted. stillAway: the bot did not come back. failed is why
	// the strike could not be done.
	cutShort, stillAway bool
	failed              error
}

// reaction puts into words what Evergreen did.
func (p botReport) reaction() (said []string) {
	switch {
	case p.cutShort:
		return []string{"It was cut short."}
	case p.failed != nil:
		said = append(said, text.Capitalize(text.OneLine(p.failed.Error()))+".")
	case p.redeployed && p.away == 0:
		said = append(said, "The new process took over at once, the old one waited; somebody was there at every moment.")
	case p.away == 0:
		said = append(said, "It was back before that showed.")
	case p.hung:
		said = append(said, fmt.Sprintf("Held the session while the bot did not read for %s; %s.", text.Seconds(p.away), waited(p.waited)))
	default:
		said = append(said, fmt.Sprintf("Held the session while the bot was away for %s; %s.", text.Seconds(p.away), waited(p.waited)))
	}
	switch {
	case p.toldAfter > 0:
		said = append(said, fmt.Sprintf("Who used the slash command was told after %s that the bot is just restarting.", text.Seconds(p.toldAfter)))
	case p.told == 1:
		said = append(said, "Who used a slash command meanwhile was told that the bot is just restarting.")
	case p.told > 1:
		said = append(said, fmt.Sprintf("Those who used %d slash commands meanwhile were told that the bot is just restarting.", p.told))
	}
	switch {
	case p.again == 1:
		said = append(said, "One command, which the bot had read just before it was killed, was answered twice.")
	case p.again > 1:
		said = append(said, fmt.Sprintf("%d commands, which the bot had read just before it was killed, were answered twice.", p.again))
	}
	if p.lost > 0 {
		said = append(said, fmt.Sprintf("%d events were lost.", p.lost))
	}
	if p.selfEnds > 0 {
		said = append(said, fmt.Sprintf("The bot ended by itself %s and was started again.", times(p.selfEnds, "once", "times")))
	}
	if p.stillAway {
		said = append(said, "It is not back yet.")
	}
	return said
}

// waited says what became of the events that waited for the bot.
func waited(events int) string {
	switch events {
	case 0:
		return "nothing waited for it"
	case 1:
		return "one event waited and was delivered"
	}
	return fmt.Sprintf("%d events waited and were delivered", events)
}

// outcome is what Discord has seen of it, in a few words.
func (p botReport) outcome() string {
	return fmt.Sprintf("Grey %s, IDENTIFY %d.", text.Seconds(p.grey), p.identifies)
}

// strikeBot does something to the bot and waits until it is back and has caught up, or until
// ctx ends.
func (r *run) strikeBot(ctx context.Context, d dealt) Episode {
	e := Episode{Occurrence: d.Occurrence, At: r.elapsed()}
	r.bot.beginEpisode()
	before, asked := r.bot.mark(), r.world.Sim.Verdict(r.world.Bot)
	failed := r.bot.revive()
	if failed == nil {
		failed = d.strike.play(ctx, r.bot, d.lasts)
	}
	back, err := r.settleBot(ctx)
	if failed == nil {
		failed = err
	}
	p := r.bot.report(before)
	after := r.world.Sim.Verdict(r.world.Bot)
	p.hung, p.redeployed = d.strike.hangs, d.strike.overlaps
	p.identifies, p.grey = after.Identifies-asked.Identifies, after.Offline-asked.Offline
	if p.cutShort = ctx.Err() != nil; !p.cutShort {
		p.failed, p.stillAway = failed, !back
	}
	e.Reaction, e.Outcome, e.Grey = p.reaction(), p.outcome(), p.grey
	return e
}

// settleBot waits until the bot is there, all is answered and nothing comes twice any more,
// and reports whether that came about. A bot that has ended is started again; the error is
// that of one that ends over and over.
func (r *run) settleBot(ctx context.Context) (back bool, err error) {
	limited, cancel := context.WithTimeout(ctx, recoverTimeout)
	defer cancel()
	for {
		if err := r.bot.revive(); err != nil {
			return false, err
		}
		if r.botIsWell() && wait(limited, settledFor) && r.botIsWell() {
			return true, nil
		}
		if !wait(limited, checkEvery) {
			return false, nil
		}
	}
}

// botIsWell reports whether the bot is there and Evergreen connected, and nothing waits for an
// answer that was asked a while ago.
func (r *run) botIsWell() bool {
	attended, _, _ := attendedNow(r.app.Proxy().Status())
	return attended && r.app.Tracker().Snapshot().Ready && r.world.Sim.Verdict(r.world.Bot).Waiting <= r.patientCommands()
}

// patientCommands is how many commands may wait for their answers at any moment, because they
// were asked within the last half second.
func (r *run) patientCommands() int { return int(r.opts.Rate/2) + 1 }

// botMark is how a bot behind the proxy was before a strike.
type botMark struct {
	attendance attendance
	again      int
	told, lost int64
}

// mark returns how the bot is now.
func (b *proxied) mark() botMark {
	b.look()
	again, s := b.answeredAgain(), b.status()
	b.mu.Lock()
	defer b.mu.Unlock()
	return botMark{b.attendance.at(time.Now()), again, s.Counts.Told, s.Counts.Lost + s.Counts.SetAside}
}

// report says what has come about since a mark.
func (b *proxied) report(before botMark) botReport {
	now := b.mark()
	b.mu.Lock()
	selfEnds := b.selfEnds
	b.mu.Unlock()
	return botReport{
		away: now.attendance.away - before.attendance.away, waited: now.attendance.waited - before.attendance.waited,
		told: now.told - before.told, toldAfter: b.toldAfter(), again: now.again - before.again, lost: now.lost - before.lost, selfEnds: selfEnds,
	}
}

// proxiedFailures says what must not have happened with a bot behind the proxy.
func proxiedFailures(v discordsim.Verdict, p ProxiedScore, unanswered []string, interrupted bool) []string {
	v.Twice = max(0, v.Twice-p.Again)
	v.Violations = v.Broken()
	if p.Foreign {
		v.Violations = nil // they are the bot's own
	}
	if interrupted {
		v.Waiting = 0
	}
	all := failures(v, unanswered)
	if p.Lost > 0 {
		all = append(all, fmt.Sprintf("%s not delivered to the bot.", times(int(p.Lost), "One event was", "events were")))
	}
	if v.Identifies > 1 {
		all = append(all, fmt.Sprintf("%d sessions were started at Discord; one would have done.", v.Identifies))
	}
	if v.Offline > 0 {
		all = append(all, "The dot was grey for "+text.Seconds(v.Offline)+".")
	}
	return all
}

// lines is the summary of a bot behind the proxy, as lines.
func (p ProxiedScore) lines(s Summary) []string {
	v := s.Verdict
	told := ""
	if p.Told > 0 {
		told = fmt.Sprintf(" (%d of those by Evergreen, while the bot was away)", p.Told)
	}
	open := ""
	if v.Waiting > 0 {
		open = fmt.Sprintf(", %d still open", v.Waiting)
	}
	again := ""
	if p.Again > 0 {
		again = fmt.Sprintf(", and %d a second time, because the bot had read them just before it was killed", p.Again)
	}
	return []string{
		fmt.Sprintf("  Connected: the dot was green for %.1f %% of the time. Attended: a bot was there and read for %.1f %% of it; at longest nobody was there for %s.",
			s.OnlinePercent(), p.AttendedPercent, text.Seconds(p.Longest)),
		fmt.Sprintf("  %d commands asked: %d answered%s%s%s, %d lost%s. The slowest answer took %s.",
			v.Asked, v.Answered+v.Twice, told, again, open, v.Lost, s.unheardNote(), text.Seconds(v.Slowest)),
		fmt.Sprintf("  The bot was started %s; %s for it. At Discord: IDENTIFY %d, RESUME %d.",
			times(p.Starts, "once", "times"), times(p.Waited, "one event waited", "events waited"), v.Identifies, v.Resumes),
	}
}

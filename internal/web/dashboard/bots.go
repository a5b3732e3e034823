package dashboard

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"evergreen/internal/sidecar"
)

// Proxy tells the pages how the bots behind evergreen proxy are. Many goroutines call it at
// once; it may not block.
type Proxy interface {
	Status() sidecar.Status
}

// botsView is the panel of the bots behind evergreen proxy.
type botsView struct {
	Gateway string
	Bots    []botView
	// Libraries are what to change in a bot, while none has ever connected.
	Libraries []libraryView
}

// botView is the card of one shard pair.
type botView struct {
	Name, Shard string // Shard is empty where there is one bot
	Connected   markView
	Attended    markView
	Says        template.HTML
	Alarm       bool
	Phase       string
	Since       time.Time
	Filled      string // what waits, in words; empty if nothing does
	Width       int    // of 100
	Full        bool
	Rows        []rowView
}

// markView is a yes or no, in words and as a small mark.
type markView struct {
	OK   bool
	Text string
}

// libraryView is what to change in a bot of one library.
type libraryView struct {
	Name, Language, Code, Note string
}

// botPhases are what is shown for each phase: its name, and a sentence. The sentence of a
// phase in which the bot is not served has the time for which that has been so.
var botPhases = []struct {
	phase      sidecar.Phase
	name, says string
	timed      bool
}{
	{sidecar.PhaseAway, "bots.away", "bots.says.away", true},
	{sidecar.PhaseWaiting, "bots.waiting", "bots.says.waiting", false},
	{sidecar.PhaseSnapshot, "bots.snapshot", "bots.says.settling", false},
	{sidecar.PhaseSettling, "bots.settling", "bots.says.settling", false},
	{sidecar.PhaseReplay, "bots.replay", "bots.says.replay", false},
	{sidecar.PhaseAttached, "bots.attached", "bots.says.attached", false},
	{sidecar.PhaseStalled, "bots.stalled", "bots.says.stalled", true},
	{sidecar.PhaseStandby, "bots.standby", "bots.says.standby", false},
}

// crashLoop is how many starts within five minutes are told in a sentence.
const crashLoop = 5

// bots makes the panel; nil without a proxy.
func (f frame) bots(s *sidecar.Status, connected bool, now time.Time) *botsView {
	if s == nil {
		return nil
	}
	v := &botsView{Gateway: s.Gateway}
	for _, c := range s.Consumers {
		v.Bots = append(v.Bots, f.bot(*s, c, connected, now))
	}
	if len(s.Consumers) == 0 && s.Gateway != "" {
		for _, l := range sidecar.Libraries {
			v.Libraries = append(v.Libraries, libraryView{l.Names[0], l.Language, l.Code(s.Gateway), l.Note(s.Gateway)})
		}
	}
	return v
}

// bot makes the card of one shard pair.
func (f frame) bot(s sidecar.Status, c sidecar.ConsumerStatus, connected bool, now time.Time) botView {
	v := botView{Name: strings.TrimSpace(c.Library + " " + c.Version), Since: c.Since, Alarm: !c.Attended}
	if v.Name == "" {
		v.Name = f.T("bots.unnamed")
	}
	if len(s.Consumers) > 1 {
		v.Shard = f.T("bots.shard", c.Name())
	}
	v.Connected = markView{connected, f.T("bots.connected.no")}
	if connected {
		v.Connected.Text = f.T("bots.connected.yes")
	}
	v.Attended = markView{c.Attended, f.T("bots.attended.no")}
	if c.Attended {
		v.Attended.Text = f.T("bots.attended.yes")
	}
	v.Says = f.botSays(c, connected, now)
	for _, p := range botPhases {
		if p.phase == c.Phase {
			v.Phase = f.T(p.name)
		}
	}
	v.fill(f, s, c, now)
	v.Rows = f.botRows(c, now)
	return v
}

// botSays says in a sentence how a bot is.
func (f frame) botSays(c sidecar.ConsumerStatus, connected bool, now time.Time) template.HTML {
	waits := f.T("bots.wait.none")
	if c.Waiting > 0 {
		waits = f.Count(int64(c.Waiting), "bots.wait")
	}
	var says template.HTML
	for _, p := range botPhases {
		switch {
		case p.phase != c.Phase:
		case p.timed && p.phase == sidecar.PhaseAway && !connected:
			says = template.HTML(f.T("bots.says.away.grey", f.For(c.Since, now), template.HTMLEscapeString(waits))) //nolint:gosec // every part is made here
		case p.timed:
			says = template.HTML(f.T(p.says, f.For(c.Since, now), template.HTMLEscapeString(waits))) //nolint:gosec // every part is made here
		default:
			says = textHTML(f.T(p.says))
		}
	}
	if n, _ := c.RecentStarts(now); n >= crashLoop {
		says += " " + textHTML(f.T("bots.says.loop", f.Number(int64(n))))
	}
	if c.Standby > 0 {
		says += " " + textHTML(f.Count(int64(c.Standby), "bots.says.more"))
	}
	return says
}

// fill says what waits for the bot, and how much of the nearer bound that fills.
func (v *botView) fill(f frame, s sidecar.Status, c sidecar.ConsumerStatus, now time.Time) {
	if c.Waiting == 0 || c.Attended && c.Waiting == c.Unconfirmed { // what was only just written waits for nothing
		return
	}
	size := share64(c.WaitingBytes, s.BacklogLimit)
	age := wholeSeconds(now.Sub(c.Oldest))
	old := share64(int64(age), int64(s.BacklogAge))
	v.Filled = f.T("bots.filled.size", f.Count(int64(c.Waiting), "bots.events"), byteSize(c.WaitingBytes), byteSize(s.BacklogLimit), percent(size))
	if old > size {
		v.Filled = f.T("bots.filled.age", f.Count(int64(c.Waiting), "bots.events"), byteSize(c.WaitingBytes), f.Duration(age), f.Duration(s.BacklogAge), percent(old))
	}
	most := max(size, old)
	v.Width, v.Full = max(1, min(100, int(100*most))), most >= 0.8
}

// share64 is a part of a whole, between 0 and 1.
func share64(part, whole int64) float64 {
	if whole <= 0 {
		return 0
	}
	return max(0, min(1, float64(part)/float64(whole)))
}

// percent says a part of 1 in whole percent.
func percent(part float64) string {
	if part > 0 && part < 0.01 {
		return "<1%"
	}
	return fmt.Sprintf("%.0f%%", math.Floor(100*part))
}

// botRows are the numbers of a card.
func (f frame) botRows(c sidecar.ConsumerStatus, now time.Time) []rowView {
	number := func(key string, n int64, bad bool) rowView {
		return rowView{f.T(key), textHTML(f.Number(n)), bad && n > 0}
	}
	starts := f.Number(int64(len(c.Starts)))
	recent, _ := c.RecentStarts(now)
	row := rowView{f.T("bots.starts"), textHTML(starts), recent >= crashLoop}
	if n := len(c.Starts); n > 0 {
		row.Value = template.HTML(fmt.Sprintf("%s, %s", textHTML(starts), f.Ago(c.Starts[n-1], now))) //nolint:gosec // every part is made here
	}
	lag := f.T("bots.lag.none")
	if c.Unconfirmed > 0 {
		lag = f.T("bots.lag.of", f.Number(int64(c.Unconfirmed)), f.Duration(c.Lag))
	}
	return []rowView{
		row,
		{f.T("bots.lag"), textHTML(lag), !c.Attended && c.Unconfirmed > 0},
		number("bots.delivered", c.Counts.Delivered, false),
		number("bots.again", c.Counts.Again, false),
		number("bots.told", c.Counts.Told, false),
		number("bots.lost", c.Counts.Lost, true),
		number("bots.aside", c.Counts.SetAside, true),
	}
}

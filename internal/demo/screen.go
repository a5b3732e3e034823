package demo

import (
	"fmt"
	"time"

	"evergreen/internal/mishap"
	"evergreen/internal/text"
)

// Screen shows a demo. Its methods are called from several goroutines.
type Screen interface {
	// Begin opens the screen with what a person should know first.
	Begin(heading []string)
	// Mishap is called when something begins to go wrong, at a time since the
	// start, and Episode when it is over.
	Mishap(at time.Duration, m mishap.Occurrence)
	Episode(e Episode)
	// Pressed is called when a person has set a fault over the control API.
	Pressed(at time.Duration, fault, says string)
	// Score is called several times a second with where things stand.
	Score(s Score)
	// End closes the screen with how it went.
	End(s Summary)
}

// noScreen is the default Screen: it shows nothing.
type noScreen struct{}

func (noScreen) Begin([]string)                          {}
func (noScreen) Mishap(time.Duration, mishap.Occurrence) {}
func (noScreen) Episode(Episode)                         {}
func (noScreen) Pressed(time.Duration, string, string)   {}
func (noScreen) Score(Score)                             {}
func (noScreen) End(Summary)                             {}

// heading is what a person should know first.
func (r *run) heading() []string {
	until := "Ctrl+C ends it."
	if r.opts.For > 0 {
		until = "It ends by itself after " + text.Seconds(r.opts.For) + "."
	}
	where := "and the bot, all in this process"
	if r.bot != nil {
		where = "and Evergreen's proxy in this process; " + r.bot.program.describe() + " connects to it"
	}
	heading := []string{
		fmt.Sprintf("A simulated Discord with %d guilds, %d people who ask %g commands a second, %s. %s",
			len(r.world.Guilds), len(r.world.People), r.opts.Rate, where, until),
		fmt.Sprintf("Faults strike in the order of seed %d (--seed %d repeats it). Intervals are about a tenth of the real ones: a heartbeat every %s instead of 41 s, a silent link is doubted after %s instead of 15 s.",
			r.opts.Seed, r.opts.Seed, text.Seconds(r.world.Sim.Config().Heartbeat.Interval), text.Seconds(timing.SilenceProbe)),
	}
	if r.bot != nil {
		heading = append(heading, r.bot.program.notes()...)
	}
	if r.dashboard.addr != "" {
		heading = append(heading, r.dashboard.String(), r.controlLine())
	}
	return heading
}

// outcome is the end of an episode in a few words.
func (e Episode) outcome() string {
	const instant = 50 * time.Millisecond
	switch {
	case e.Outcome != "":
		return e.Outcome
	case e.Grey > 0 && e.AtRisk < instant:
		return "Grey for " + text.Seconds(e.Grey) + "."
	case e.Grey > 0:
		return "At risk for " + text.Seconds(e.AtRisk) + ", grey for " + text.Seconds(e.Grey) + "."
	case e.AtRisk > 0:
		return "At risk for " + text.Seconds(e.AtRisk) + "."
	}
	return "Never at risk."
}

// actor is who reacts in an episode.
func (e Episode) actor() string {
	if e.Proxied {
		return "  Evergreen"
	}
	return "  the bot"
}

// line is the score in one line.
func (s Score) line() string {
	v := s.Verdict
	online := fmt.Sprintf("online %.1f %%", s.OnlinePercent())
	if p := s.Proxied; p != nil {
		online = fmt.Sprintf("connected %.1f %%, attended %.1f %%", s.OnlinePercent(), p.AttendedPercent)
	}
	return fmt.Sprintf("%s, up %s; commands: %d asked, %d answered, %d open, %d lost, %d twice; IDENTIFY %d, RESUME %d",
		online, text.Seconds(s.Up.Truncate(time.Second)), v.Asked, v.Answered, v.Waiting, v.Lost, v.Twice, v.Identifies, v.Resumes)
}

// lines is the summary as lines.
func (s Summary) lines() []string {
	lines := []string{fmt.Sprintf("After %s with seed %d, %s:", text.Seconds(s.Elapsed.Round(100*time.Millisecond)), s.Seed, times(s.Mishaps, "one strike", "strikes"))}
	if s.Mishaps > 0 {
		lines = append(lines, "  "+kinds(s.Kinds))
	}
	passed := "PASSED: nothing was lost, nothing was answered twice, and no rule of Discord's was broken."
	if s.Proxied != nil {
		lines = append(lines, s.Proxied.lines(s)...)
		passed = "PASSED: nothing was lost, the dot was green throughout, and no session was started but the first."
	} else {
		lines = append(lines, s.ownLines()...)
	}
	if s.Passed() {
		return append(lines, passed)
	}
	for _, f := range s.Failures {
		lines = append(lines, "FAILED: "+f)
	}
	return lines
}

// ownLines is the summary of ResearchBot, as lines.
func (s Summary) ownLines() []string {
	v := s.Verdict
	return []string{
		fmt.Sprintf("  The dot was green for %.1f %% of the time%s, %s of that by Discord's patience only (%s at most at once).",
			s.OnlinePercent(), s.greyNote(), text.Seconds(s.AtRisk), text.Seconds(s.Longest)),
		fmt.Sprintf("  %d commands asked: %d answered exactly once, %d lost, %d twice%s. The slowest answer took %s.",
			v.Asked, v.Answered, v.Lost, v.Twice, s.unheardNote(), text.Seconds(v.Slowest)),
		fmt.Sprintf("  IDENTIFY %d, RESUME %d, %d events replayed.", v.Identifies, v.Resumes, s.Replayed),
	}
}

// greyNote is why the bot was offline, if Discord itself had ended the session.
func (s Score) greyNote() string {
	if s.Verdict.Offline < 100*time.Millisecond || s.Unforced > 0 {
		return ""
	}
	return " (grey for " + text.Seconds(s.Verdict.Offline) + " where Discord itself had ended the session)"
}

// unheardNote says how many commands no bot could have heard: the session was gone,
// or the three seconds of a slash command fell into a fault.
func (s Score) unheardNote() string {
	if s.Verdict.Unheard == 0 {
		return ""
	}
	return fmt.Sprintf("; %d more could not be heard or answered by any bot", s.Verdict.Unheard)
}

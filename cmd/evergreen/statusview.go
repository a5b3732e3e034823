package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"evergreen/internal/text"
	"evergreen/internal/web/api"
)

// paint sets text in a colour, or not where none is wanted.
type paint func(colour, text string) string

// The colours of a reading.
const (
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	red    = "\x1b[31m"
	grey   = "\x1b[2m"
	plain  = "\x1b[0m"
)

// paint is for the terminal, if the output goes to one.
func (p *process) paint() paint {
	if _, ok := p.terminal(); !ok || !p.colour() {
		return func(_, text string) string { return text }
	}
	return func(colour, text string) string { return colour + text + plain }
}

// writeLines prints lines.
func (p *process) writeLines(lines []string) error {
	_, err := io.WriteString(p.stdout, strings.Join(lines, "\n")+"\n")
	return err
}

// stateColours are the colours of the states; all others are red.
var stateColours = map[string]string{
	"online": green, "degraded": yellow, "reconnecting": yellow, "starting": yellow, "stopping": grey, unknown: grey,
}

// statusColumns is the width of the names in front of a reading's lines.
const statusColumns = 11

// lines is the reading for a person, in the time of their place. Names and reasons in
// it come from Discord, from files and from whatever answers at the address, so each
// is made one printable line.
func (r reading) lines(in paint, place *time.Location) []string {
	colour, known := stateColours[r.State]
	if !known {
		colour = red
	}
	lines := []string{in(colour, "●") + " " + text.OneLine(r.Says)}
	add := func(name, says string) {
		if says = text.OneLine(says); says != "" {
			lines = append(lines, "  "+in(grey, text.PadColumns(name, statusColumns))+says)
		}
	}
	add("What to do", r.Do)
	if r.Status != nil {
		r.addStatus(add, place)
	}
	if r.Session != nil {
		add("Session", "kept, last alive "+ago(r.At, *r.Session))
	}
	add("Last run", r.LastRun)
	if p := r.Process; p != nil {
		text := "process " + strconv.Itoa(p.PID)
		if p.Host != "" {
			text += " on " + p.Host
		}
		since := p.Since
		if r.Status != nil && r.status.Started != nil {
			since = *r.status.Started // it moves when the clock is set
		}
		add("Process", text+versionWords(p.Version)+", since "+moment(since, r.At, place))
	}
	for n, i := range r.Incidents {
		name := "Incidents"
		if n > 0 {
			name = ""
		}
		add(name, moment(i.At, r.At, place)+"  "+text.Capitalize(i.Says))
	}
	if r.API != "" {
		add("Dashboard", r.API+"/")
	}
	return lines
}

// addStatus adds what the HTTP API answered.
func (r reading) addStatus(add func(name, text string), place *time.Location) {
	s := r.status
	if s.Since != nil {
		add("Since", moment(*s.Since, r.At, place)+", "+text.Elapsed(r.At.Sub(*s.Since)))
	}
	if s.Bot.Username != "" {
		add("Bot", s.Bot.Username+" in "+text.Count(int64(s.Bot.Guilds), "server"))
	}
	for _, c := range r.also() {
		add("Also", text.Capitalize(c.Says))
		add("", c.Remedy)
	}
	var latency []string
	if g := s.Latency.Gateway; g != nil && g.Last != nil {
		latency = append(latency, fmt.Sprintf("gateway %.0f ms (95 of 100 within %.0f)", *g.Last, g.P95))
	}
	if rest := s.Latency.REST; rest != nil {
		latency = append(latency, fmt.Sprintf("REST %.0f ms (%.0f)", rest.P50, rest.P95))
	}
	add("Latency", strings.Join(latency, ", "))
	if s.Proxy != nil {
		r.addBots(*s.Proxy, add)
	} else {
		add("Work", workLine(s))
	}
	if s.SessionSince != nil {
		add("Session", fmt.Sprintf("for %s, %s, %d of %d RESUMEs accepted", text.Elapsed(r.At.Sub(*s.SessionSince)),
			text.Count(s.Counts.Reconnects, "reconnect"), s.Counts.Resumed, s.Counts.Resumes))
	}
	if f := r.Fleet; f != nil && (f.Reshard != nil || f.Failed != nil || f.Shards != "1") {
		for _, line := range fleetLines(*f) {
			add("Shards", strings.TrimPrefix(line, "Shards "))
		}
		if away := awayLine(*f); away != "" {
			add("", away+" (evergreen shards tells more, pauses, resumes, restarts and moves them)")
		}
	}
	if b := s.Budget; b != nil && b.Total > 0 {
		add("Starts", fmt.Sprintf("%d of %d session starts left today", b.Remaining, b.Total))
	}
	if d := s.Discord; d != nil && d.Indicator != "" && d.Indicator != "none" {
		add("Discord", "says of itself: "+d.Description)
	}
	if r.Process == nil && s.Started != nil {
		add("Process", strings.TrimPrefix(versionWords(s.Version)+", since "+moment(*s.Started, r.At, place), ", "))
	}
}

// workLine is what the bot has done with commands.
func workLine(s api.Status) string {
	work := text.Count(s.Work.Asked, "command") + ", " + strconv.FormatInt(s.Work.Answered, 10) + " answered"
	if s.Work.Failed > 0 {
		work += ", " + strconv.FormatInt(s.Work.Failed, 10) + " given up"
	}
	if !s.Work.OK {
		work += "; not working: " + s.Work.Reason
	}
	return work
}

func versionWords(version string) string {
	if version == "" {
		return ""
	}
	return ", version " + version
}

// also is what is wrong beside what the reason says.
func (r reading) also() (list []api.Condition) {
	for _, c := range r.status.Conditions {
		if !c.InReason {
			list = append(list, c)
		}
	}
	return list
}

// line is the reading on one line, for pipes.
func (r reading) line(place *time.Location) string {
	says := r.At.In(place).Format("2006-01-02 15:04:05 ") + r.Says
	if r.Do != "" {
		says += " What to do: " + r.Do
	}
	for _, c := range r.also() {
		says += " Also: " + c.Says
	}
	return text.OneLine(says)
}

// key is the part of a reading whose change is worth a new line: not its numbers.
func (r reading) key() string {
	says := r.Says
	for _, c := range r.also() {
		says += c.Says
	}
	return strconv.Itoa(r.Exit) + r.State + strings.Map(func(c rune) rune {
		if unicode.IsDigit(c) || c == '.' {
			return -1
		}
		return c
	}, says)
}

// watchStatus reads the status again and again until a signal comes. The exit code is
// that of the last reading.
func (p *process) watchStatus(s *statusCommand, look func() reading) error {
	signals, release := p.signals()
	defer release()
	ticker := time.NewTicker(time.Duration(s.Every))
	defer ticker.Stop()
	columns, live := p.terminal()
	live = live && !s.JSON
	drawn, last := 0, ""
	for {
		r := look()
		var err error
		switch key := r.key(); {
		case live:
			lines := truncateLines(r.lines(p.paint(), time.Local), columns())
			_, err = fmt.Fprintf(p.stdout, "%s\x1b[J%s\n", strings.Repeat("\x1b[A", drawn), strings.Join(lines, "\n"))
			drawn = len(lines)
		case key == last:
		case s.JSON:
			err = json.NewEncoder(p.stdout).Encode(r)
		default:
			err = p.writeLines([]string{r.line(time.Local)})
		}
		if err != nil {
			return err // the reader of the pipe is gone
		}
		last = r.key()
		select {
		case <-signals:
			return r.exitError()
		case <-ticker.C:
		}
	}
}

// truncateLines shortens lines so that none takes two rows.
func truncateLines(lines []string, columns int) []string {
	for n, line := range lines {
		lines[n] = text.ClipColumns(line, max(20, columns-1))
	}
	return lines
}

// moment is the time of day, with the date if it is not today's.
func moment(at, now time.Time, place *time.Location) string {
	at, now = at.In(place), now.In(place)
	if at.YearDay() == now.YearDay() && at.Year() == now.Year() {
		return at.Format("15:04:05")
	}
	return at.Format("2 Jan 15:04:05")
}

func ago(now, at time.Time) string { return text.Elapsed(now.Sub(at)) + " ago" }

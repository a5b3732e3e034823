package discordsim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Moment is something a scenario has done.
type Moment struct {
	// At is when, counted from the start.
	At   time.Duration
	What string
}

// String is the moment as a line.
func (m Moment) String() string {
	return fmt.Sprintf("%10s  %s", m.At.Round(time.Millisecond), m.What)
}

// Outcome is how a scenario went.
type Outcome struct {
	Scenario string
	Seed     uint64
	Took     time.Duration
	// Diary is what happened, in order; commands of the crowd are not in it.
	Diary []Moment
	Bots  []Showing
}

// Showing is how one bot did.
type Showing struct {
	App     ID
	Name    string
	Online  bool
	Verdict Verdict
	// Broken says which expectations were not kept, one a sentence.
	Broken []string
}

// Broken lists the expectations that were not kept; none means that the
// scenario is passed.
func (o *Outcome) Broken() (all []string) {
	for _, b := range o.Bots {
		for _, what := range b.Broken {
			all = append(all, b.Name+": "+what)
		}
	}
	return all
}

// Populate makes what the scenario's world wants in a simulator: guilds with
// channels, people, and one app. From cfg come the app's name and token; guilds
// it names are there besides.
func (sc *Scenario) Populate(s *Sim, cfg AppConfig) *App {
	w := sc.World
	people := make([]User, orCount(w.People, 6))
	for i := range people {
		people[i] = s.AddUser(fmt.Sprintf("person-%d", i+1))
	}
	channels := make([]string, orCount(w.Channels, 2))
	for i := range channels {
		channels[i] = fmt.Sprintf("room-%d", i+1)
	}
	for i := range orCount(w.Guilds, 1) {
		g := s.AddGuild(fmt.Sprintf("guild-%d", i+1), channels...)
		s.AddMembers(g, people...)
		cfg.Guilds = append(cfg.Guilds, g)
	}
	cfg.Shards, cfg.MaxConcurrency = w.Shards, w.Concurrency
	cfg.StartsTotal, cfg.StartsUsed = w.StartsTotal, w.StartsUsed
	if w.Unprivileged {
		cfg.Flags = new(uint64)
	}
	return s.AddApp(cfg)
}

func orCount(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// Run plays the scenario to its end on a simulator that was made with
// [Scenario.Rules], and says how the bots did; without apps all there are. The
// bots are run by the caller and should start when Run does. The steps fall on
// the simulator's own clock, so a run takes as long as time does: in a
// synctest bubble no time at all.
//
// The error tells of a mistake in the scenario or of the end of ctx; faults that
// are in force when Run returns are lifted in every case.
func (sc *Scenario) Run(ctx context.Context, s *Sim, apps ...*App) (*Outcome, error) {
	if err := sc.Check(); err != nil {
		return nil, err
	}
	p := newPlay(sc, s, apps)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, errors.New("the simulated Discord is closed")
	}
	p.begin()
	s.mu.Unlock()

	var err error
	select {
	case <-p.over:
	case <-s.done:
		err = errors.New("the simulated Discord was closed in the middle of the scenario")
	case <-ctx.Done():
		err = fmt.Errorf("the scenario was broken off: %w", context.Cause(ctx))
	}
	s.mu.Lock()
	p.stop()
	diary, took := p.diary, time.Since(p.start)
	s.mu.Unlock()
	out := &Outcome{Scenario: sc.Name, Seed: sc.Seed, Took: took, Diary: diary}
	for _, app := range p.apps {
		out.Bots = append(out.Bots, sc.showing(s, app))
	}
	p.lift()
	return out, err
}

// showing compares a bot with what is expected.
func (sc *Scenario) showing(s *Sim, app *App) Showing {
	b := Showing{App: app.ID, Name: app.Name, Online: s.Online(app) && s.Attached(app), Verdict: s.Verdict(app)}
	for _, x := range expectations {
		if what := x(&sc.Expect, &b); what != "" {
			b.Broken = append(b.Broken, what)
		}
	}
	if sc.Expect.Activity {
		var lines []string
		for _, change := range s.StatusHistory(app) {
			if change.Status != "offline" {
				lines = append(lines, change.Activity)
			}
		}
		if len(lines) == 0 || lines[0] != lines[len(lines)-1] {
			b.Broken = append(b.Broken, fmt.Sprintf("the status line has not stayed what it was: %q", lines))
		}
	}
	return b
}

// most compares a number with the most that is allowed.
func most(limit *int, otherwise, n int, what string) string {
	if limit != nil {
		otherwise = *limit
	} else if otherwise < 0 {
		return ""
	}
	if n <= otherwise {
		return ""
	}
	return fmt.Sprintf("%d %s, at most %d are expected", n, what, otherwise)
}

func mostSpan(limit *Span, d time.Duration, what string) string {
	if limit == nil || d <= limit.d() {
		return ""
	}
	return fmt.Sprintf("%s for %s, at most %s are expected", what, d.Round(time.Millisecond), *limit)
}

// expectations are the comparisons, each of which says what is broken.
var expectations = []func(*Expectations, *Showing) string{
	func(e *Expectations, b *Showing) string {
		return most(e.Lost, 0, b.Verdict.Lost, "commands were never answered")
	},
	func(e *Expectations, b *Showing) string {
		return most(e.Twice, 0, b.Verdict.Twice, "commands were answered twice")
	},
	func(e *Expectations, b *Showing) string {
		broken := b.Verdict.Broken()
		what := most(e.Violations, 0, len(broken), "rules of Discord's were broken")
		if what == "" {
			return ""
		}
		var said []string
		for _, v := range broken[:min(5, len(broken))] {
			said = append(said, v.Statement+" "+v.What)
		}
		return what + ": " + strings.Join(said, "; ")
	},
	func(e *Expectations, b *Showing) string {
		return most(e.Identifies, -1, b.Verdict.Identifies, "IDENTIFYs were sent")
	},
	func(e *Expectations, b *Showing) string {
		return most(e.Dials, -1, b.Verdict.Dials, "connections were opened")
	},
	func(e *Expectations, b *Showing) string {
		return most(e.Invalid, -1, b.Verdict.InvalidRequests, "requests were answered 401, 403 or 429")
	},
	func(e *Expectations, b *Showing) string {
		if e.Answered == nil || b.Verdict.Answered >= *e.Answered {
			return ""
		}
		return fmt.Sprintf("%d commands were answered, at least %d are expected", b.Verdict.Answered, *e.Answered)
	},
	func(e *Expectations, b *Showing) string {
		return mostSpan(e.Gap, b.Verdict.LongestGap, "no connection was READY or RESUMED")
	},
	func(e *Expectations, b *Showing) string {
		return mostSpan(e.Grey, b.Verdict.Offline, "the dot was grey")
	},
	func(e *Expectations, b *Showing) string {
		switch {
		case e.Ends == "any", b.Online == (e.Ends != "offline"):
			return ""
		case b.Online:
			return "the bot is online at the end, which cannot be"
		}
		return "the bot is not online at the end"
	},
}

// eventData is the d of an event step.
func (s *Sim) eventData(st *Step, g *Guild) json.RawMessage {
	if st.Text != "" {
		return json.RawMessage(st.Text)
	}
	data := map[string]any{"id": ID(0), "name": "nowhere"}
	if g != nil {
		data = map[string]any{
			"id": g.ID, "guild_id": g.ID, "name": g.Name, "owner_id": g.OwnerID, "channels": []any{}, "threads": []any{}, "roles": []any{}, "members": []any{}, "emojis": []any{},
			"member_count": len(g.Members), "large": true, "unavailable": false,
		}
	}
	if size := int(st.Size * 1e6); size > 0 {
		var members []any
		for have := 0; have < size; {
			id := s.newID()
			m := s.memberObject(User{ID: id, Username: "member-" + id.String()})
			have += len(marshal(m)) + 1
			members = append(members, m)
		}
		data["members"] = members
	}
	return marshal(data)
}

// rooms lists the channels of a bot's guilds in which it can be asked.
func (s *Sim) rooms(app *App) (all []*Channel) {
	for _, g := range app.Guilds {
		for _, ch := range g.Channels {
			if s.seesLocked(app, ch) && !ch.ReadOnly[app.ID] {
				all = append(all, ch)
			}
		}
	}
	return all
}

// folk lists the people in a bot's guilds.
func (s *Sim) folk(app *App) (all []ID) {
	seen := map[ID]bool{}
	for _, g := range app.Guilds {
		for _, id := range g.Members {
			if !seen[id] && !s.userLocked(id).Bot {
				all = append(all, id)
			}
			seen[id] = true
		}
	}
	return all
}

package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evergreen/discordsim"
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
	// Diary is what happened, in order, without the commands of the world's
	// people. Of a very long scenario the oldest moments are left out.
	Diary []Moment
	Bots  []BotOutcome
}

// BotOutcome is how one bot did.
type BotOutcome struct {
	App     discordsim.ID
	Name    string
	Online  bool
	Verdict discordsim.Verdict
	// Undone are the steps of people that could not be done, or were answered
	// otherwise than they say.
	Undone []string
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
func (sc *Scenario) Populate(s *discordsim.Sim, cfg discordsim.AppConfig) *discordsim.App {
	w := sc.World
	people := make([]discordsim.User, orCount(w.People, 6))
	for i := range people {
		people[i] = s.AddUser(fmt.Sprintf("%s%d", personPrefix, i+1))
	}
	channels := make([]string, orCount(w.Channels, 2))
	for i := range channels {
		channels[i] = fmt.Sprintf("%s%d", roomPrefix, i+1)
	}
	voice := make([]string, w.Voice)
	for i := range voice {
		voice[i] = fmt.Sprintf("%s%d", voicePrefix, i+1)
	}
	for i := range orCount(w.Guilds, 1) {
		g := s.AddGuild(fmt.Sprintf("%s%d", guildPrefix, i+1), channels...)
		s.AddVoiceChannels(g, voice...)
		s.AddMembers(g, people...)
		cfg.Guilds = append(cfg.Guilds, g)
	}
	cfg.Shards, cfg.MaxConcurrency = w.Shards, w.Concurrency
	cfg.StartsTotal, cfg.StartsUsed = w.StartsTotal, w.StartsUsed
	cfg.EntryPoint = w.EntryPoint
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
// caller runs the bots and starts them when it calls Run. The steps fall on the
// simulator's own clock, so a run takes as long as time does: in a synctest
// bubble no time at all.
//
// The error tells of a mistake in the scenario or of the end of ctx; faults that
// are in force when Run returns are lifted in every case.
func (sc *Scenario) Run(ctx context.Context, s *discordsim.Sim, apps ...*discordsim.App) (*Outcome, error) {
	if err := sc.Check(); err != nil {
		return nil, err
	}
	select {
	case <-s.Done():
		return nil, errors.New("the simulated Discord is closed")
	default:
	}
	if len(apps) == 0 {
		apps = s.Apps()
	}
	p := newPlayer(sc, s, apps)
	p.start()
	var err error
	select {
	case <-p.over:
	case <-s.Done():
		err = errors.New("the simulated Discord was closed in the middle of the scenario")
	case <-ctx.Done():
		err = fmt.Errorf("the scenario was broken off: %w", context.Cause(ctx))
	}
	diary, took, undone := p.stop()
	out := &Outcome{Scenario: sc.Name, Seed: sc.Seed, Took: took, Diary: diary}
	for _, app := range apps {
		out.Bots = append(out.Bots, sc.outcomeOf(s, app, undone[app]))
	}
	p.lift()
	return out, err
}

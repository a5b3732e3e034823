package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"evergreen/fleet"
	"evergreen/internal/text"
	"evergreen/internal/web/api"
)

// shardsCommand is evergreen shards.
type shardsCommand struct {
	Show    shardsShow    `cmd:"" default:"withargs" help:"Tell how far the shards are, and where each is."`
	Pause   shardsPause   `cmd:"" help:"Stop one shard and keep its session: events wait at Discord for about a minute."`
	Resume  shardsResume  `cmd:"" help:"Let a paused shard go on."`
	Restart shardsRestart `cmd:"" help:"End the connection of one shard and resume it on another."`
	MoveOut shardsMoveOut `cmd:"" help:"Stop one shard and print its session as JSON, for another process to go on with."`
	Reshard shardsReshard `cmd:"" help:"Change the number of shards without a gap: a second set comes up beside the first. Each new shard costs one of the day's session starts."`
}

// Help says what it needs.
func (shardsCommand) Help() string {
	return "The bot must run with --api. To do something with a shard, the bot and this command need the same API_TOKEN."
}

// shardTimeout bounds one request: a shard that is paused finishes its work.
const shardTimeout = 15 * time.Second

// query asks the HTTP API of the bot that holds the lock of the state folder.
func (r instanceFlags) query(p *process, question func(context.Context, api.Client) error) error {
	loaded, err := r.load(p)
	if err != nil {
		return err
	}
	c := loaded.Config
	holder, err := findInstance(c)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("which process runs the bot cannot be known: %w", err)
	case holder == nil:
		return fmt.Errorf("the bot is not running: no process holds its lock in the state folder %s", c.StateDir)
	}
	client, ok := r.instanceClient(c, holder)
	if !ok {
		return fmt.Errorf("%s runs the bot without the HTTP API; start it with run --api", holder)
	}
	ctx, cancel := context.WithTimeout(context.Background(), shardTimeout)
	defer cancel()
	if _, _, err = client.Status(ctx); err == nil { // it is the bot that is meant
		err = question(ctx, client)
	}
	refused, answered := errors.AsType[*api.RefusedError](err)
	switch {
	case answered && refused.Code == http.StatusTooManyRequests:
		return fmt.Errorf("the bot's HTTP API at %s: %s %s", client.Base(), refused.Detail, refused.Remedy())
	case answered:
		return errors.New(refused.Detail)
	case err != nil:
		return fmt.Errorf("%s runs the bot, and its HTTP API at %s cannot be asked: %w", holder, client.Base(), err)
	}
	return nil
}

// shardsShow is evergreen shards.
type shardsShow struct {
	instanceFlags
	JSON bool `name:"json" help:"Print the answer of the HTTP API."`
}

// Run tells how far the shards are.
func (s *shardsShow) Run(p *process) error {
	return s.query(p, func(ctx context.Context, client api.Client) error {
		f, err := client.Fleet(ctx)
		if err != nil {
			return err
		}
		if s.JSON {
			return json.NewEncoder(p.stdout).Encode(f)
		}
		return p.writeLines(append(fleetLines(f), shardLines(f)...))
	})
}

// shardState is the state of a shard in a word or two.
func shardState(s api.FleetShard) string {
	switch {
	case s.Standing != string(fleet.Running):
		return strings.ReplaceAll(s.Standing, "-", " ")
	case s.Queued:
		return "queued"
	}
	return s.State
}

// newestIncidents are the newest incidents, a line each. One that many shards had at
// the same moment, such as a restart, is one line.
func newestIncidents(list []api.Incident) []incidentLine {
	type kind struct {
		at             int64
		title, outcome string
	}
	shards := make(map[kind]int)
	of := func(i api.Incident) kind { return kind{i.Start.UnixMicro(), i.Title, i.Outcome} }
	for _, i := range list {
		if i.Start != nil {
			shards[of(i)]++
		}
	}
	var told []incidentLine
	for _, i := range list {
		if i.Start == nil || shards[of(i)] == 0 || len(told) == statusIncidents {
			continue
		}
		says := i.Summary
		if n := shards[of(i)]; n > 1 {
			says += fmt.Sprintf(" (%d shards)", n)
		}
		shards[of(i)] = 0
		told = append(told, incidentLine{*i.Start, says})
	}
	return told
}

// maxAway is how many shards that are not live are named one by one.
const maxAway = 8

// awayLine names the shards that are not live; none if all are, or too many to
// name.
func awayLine(f api.Fleet) string {
	var away []string
	for _, s := range f.Each {
		if at := shardState(s); at != "live" {
			away = append(away, fmt.Sprintf("shard %d is %s", s.ID, at))
		}
	}
	if len(away) > maxAway {
		return ""
	}
	return strings.Join(away, ", ")
}

// shardLines has a line for each shard, and none for a single one.
func shardLines(f api.Fleet) []string {
	if len(f.Each) < 2 {
		return nil
	}
	lines := []string{""}
	for _, s := range f.Each {
		line := fmt.Sprintf("%6d  %s", s.ID, text.OneLine(shardState(s)))
		if s.LatencyMS != nil && s.Standing == string(fleet.Running) {
			line += fmt.Sprintf(", %.0f ms", *s.LatencyMS)
		}
		lines = append(lines, line)
	}
	return lines
}

// fleetLines is the progress of the shards for a person.
func fleetLines(f api.Fleet) []string {
	lines := []string{text.OneLine("Shards " + f.Shards + ": " + f.Progress.Says)}
	if r := f.Reshard; r != nil {
		lines = append(lines, text.OneLine(fmt.Sprintf("Changing from %d to %d shards: %s. Waiting for %s", r.From, r.To, r.Progress.Says, r.Waits)))
	}
	if r := f.Failed; r != nil {
		lines = append(lines, text.OneLine(fmt.Sprintf("Changing to %d shards has failed at %s: %s", r.To, r.At.Local().Format(time.DateTime), r.Error)))
	}
	return lines
}

// oneShard is a shard that something is done with.
type oneShard struct {
	instanceFlags
	Shard int `arg:"" help:"The shard's number, from 0."`
}

// operate asks the API to do something with the shard and prints how the shards are
// then.
func (s oneShard) operate(p *process, what string) error {
	return s.query(p, func(ctx context.Context, client api.Client) error {
		if _, err := client.Operate(ctx, s.Shard, what); err != nil {
			return err
		}
		f, err := client.Fleet(ctx)
		if err != nil {
			return err
		}
		return p.writeLines(fleetLines(f))
	})
}

type (
	shardsPause   struct{ oneShard }
	shardsResume  struct{ oneShard }
	shardsMoveOut struct{ oneShard }
	shardsRestart struct {
		oneShard
		Fresh bool `help:"Begin a new session instead of resuming; it costs one of the day's session starts."`
	}
)

// Run pauses the shard.
func (s *shardsPause) Run(p *process) error { return s.operate(p, "pause") }

// Run lets the shard go on.
func (s *shardsResume) Run(p *process) error { return s.operate(p, "resume") }

// Run restarts the shard.
func (s *shardsRestart) Run(p *process) error {
	if s.Fresh {
		return s.operate(p, "restart-fresh")
	}
	return s.operate(p, "restart")
}

// Run prints the session that has moved out.
func (s *shardsMoveOut) Run(p *process) error {
	return s.query(p, func(ctx context.Context, client api.Client) error {
		moved, err := client.Operate(ctx, s.Shard, "move-out")
		if err == nil {
			_, err = p.stdout.Write(moved)
		}
		return err
	})
}

// shardsReshard is evergreen shards reshard.
type shardsReshard struct {
	instanceFlags
	Count int `arg:"" help:"How many shards the bot is to have."`
}

// Run begins it.
func (s *shardsReshard) Run(p *process) error {
	return s.query(p, func(ctx context.Context, client api.Client) error {
		if err := client.Reshard(ctx, s.Count); err != nil {
			return err
		}
		return p.writeLines([]string{fmt.Sprintf("It has begun. `evergreen shards` tells how far it is; then write SHARDS=%d into the settings.", s.Count)})
	})
}

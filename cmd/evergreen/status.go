package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/process/config"
	"evergreen/internal/process/host"
	"evergreen/internal/process/tokenlock"
	"evergreen/internal/store"
	"evergreen/internal/text"
	"evergreen/internal/web/api"
)

// statusCommand is evergreen status.
type statusCommand struct {
	JSON  bool     `name:"json" help:"Print one JSON object for programs; with --watch one for each change, a line each."`
	Watch bool     `name:"watch" short:"w" help:"Keep looking: redrawn in place on a terminal, a line for each change in a pipe. Ctrl+C ends it."`
	Every duration `name:"every" default:"2s" placeholder:"2s" help:"Time between two looks of --watch."`

	instanceFlags
}

// Help says what a script needs to know.
func (statusCommand) Help() string {
	return "Exit codes: 0 the bot is online (and, behind evergreen proxy, there), 1 it is not, 78 that cannot be known because of the settings. So it serves as a container's health check. To pause, resume, restart or move single shards, see evergreen shards --help."
}

// Validate refuses what would not be a pause.
func (s *statusCommand) Validate() error {
	if time.Duration(s.Every) < 100*time.Millisecond {
		return errors.New("--every: want at least 0.1 seconds")
	}
	return nil
}

const (
	// statusTimeout bounds one reading. A bot whose API takes longer is not well.
	statusTimeout = 3 * time.Second
	// statusIncidents is how many incidents are told, incidentsAsked among how many of
	// the newest: what all shards have in common is told once.
	statusIncidents, incidentsAsked = 3, 200
)

// statusCode is an exit code whose reason has been printed already.
type statusCode int

func (statusCode) Error() string   { return "" }
func (c statusCode) ExitCode() int { return int(c) }

// Run prints how the bot is.
func (s *statusCommand) Run(p *process) error {
	loaded, err := s.load(p)
	if err != nil {
		return err
	}
	look := func() reading { return s.readStatus(loaded.Config) }
	if s.Watch {
		return p.watchStatus(s, look)
	}
	r := look()
	if s.JSON {
		err = json.NewEncoder(p.stdout).Encode(r)
	} else {
		err = p.writeLines(r.lines(p.paint(), time.Local))
	}
	return errors.Join(err, r.exitError())
}

// reading is what one look has found out. Its JSON is for programs.
type reading struct {
	At time.Time `json:"at"`
	// State is the bot's status, or not-running, silent (it runs and does not
	// say how it is) or unknown.
	State  string `json:"state"`
	Online bool   `json:"online"`
	// Attended is false when the bot behind evergreen proxy is away or hangs: the dot is
	// green and nobody answers.
	Attended bool `json:"attended"`
	Exit     int  `json:"exit"`
	// Says is how it is, Do what to do about it if anything is.
	Says string `json:"says"`
	Do   string `json:"do,omitempty"`
	// API is the address that answered.
	API     string      `json:"api,omitempty"`
	Process *holderInfo `json:"process,omitempty"`
	// Status is the answer of /api/v1/status as it came.
	Status    json.RawMessage `json:"status,omitempty"`
	Fleet     *api.Fleet      `json:"fleet,omitempty"`
	Session   *time.Time      `json:"session_saved,omitempty"`
	LastRun   string          `json:"last_run,omitempty"`
	Incidents []incidentLine  `json:"incidents,omitempty"`

	status api.Status
}

// holderInfo is the process that owns the token.
type holderInfo struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host,omitempty"`
	Version string    `json:"version,omitempty"`
	Since   time.Time `json:"since"`
}

// incidentLine is one incident.
type incidentLine struct {
	At   time.Time `json:"at"`
	Says string    `json:"says"`
}

// The states of a reading beside those of the bot.
const (
	notRunning = "not-running"
	silent     = "silent"
	unknown    = "unknown"
)

// readStatus finds out how the bot is that holds the lock of the state folder: from its
// HTTP API if it has one, else from what the folder knows. No other bot is asked.
func (s *statusCommand) readStatus(c config.Config) reading {
	ctx, cancel := context.WithTimeout(context.Background(), statusTimeout)
	defer cancel()
	r := reading{At: time.Now().Round(0), State: unknown, Exit: int(config.ExitConfig)}
	holder, err := findInstance(c)
	if holder == nil {
		r.readStateDir(ctx, c)
		r.notRunning(c, err)
		return r
	}
	r.Process = &holderInfo{holder.PID, holder.Host, holder.Version, holder.Since}
	client, ok := s.instanceClient(c, holder)
	if !ok {
		r.readStateDir(ctx, c)
		r.Says = text.Capitalize(holder.String()) + " runs the bot without the HTTP API, so how it is cannot be asked."
		r.Do = "Start it with run --api to be told more. Until then its log says how it is."
		return r
	}
	if err = r.queryAPI(ctx, client); err != nil {
		r.readStateDir(ctx, c)
		r.noAnswer(*holder, client, err)
	}
	return r
}

// notRunning says that no process runs the bot, or why that is not known.
func (r *reading) notRunning(c config.Config, err error) {
	switch {
	case errors.Is(err, errWhichBot):
		r.Says = text.Capitalize(err.Error()) + "."
		r.Do = "Run this where the bot's settings are: its folder, its environment or --env-file."
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		r.Says = "Whether the bot runs cannot be known: the lock in the state folder " + c.StateDir + " cannot be read: " + err.Error()
		r.Do = "Run this as the user the bot runs as."
	default:
		r.State, r.Exit = notRunning, int(config.ExitUnexpected)
		r.Says = "The bot is not running: no process holds its lock in the state folder " + c.StateDir + "."
		r.Do = "Start it with evergreen run --api."
		if _, err := os.Stat(c.StateDir); err != nil {
			r.Do = "If it does run, then with another state folder: set EVERGREEN_STATE_DIR to that. Else start it with evergreen run --api."
		} else if !host.IsWritable(c.StateDir) {
			r.Do += " If it does run, then without a lock, because it cannot write in that folder: its log says so."
		}
	}
}

// noAnswer says why the API of the process that runs the bot does not tell how it is.
func (r *reading) noAnswer(holder tokenlock.Holder, client api.Client, err error) {
	refused, answered := errors.AsType[*api.RefusedError](err)
	who := text.Capitalize(holder.String()) + " runs the bot, "
	switch {
	case answered && refused.Code >= 500:
		r.State, r.Exit = silent, int(config.ExitUnexpected)
		r.Says = "The bot's HTTP API at " + client.Base() + " answers, but cannot say how the bot is: " + refused.Detail
	case answered && client.Token == "" && client.Addr != holder.API:
		r.Says = "The bot's HTTP API at " + client.Base() + " wants API_TOKEN, which is sent only to the address that the bot's lock names."
		r.Do = "Leave --api-addr out, and run this where that address leads to the bot: in its container, on its machine."
	case answered && !holder.IsLocal():
		r.Says = "The bot's HTTP API at " + client.Base() + " wants API_TOKEN, which is sent only on the machine that the bot runs on."
		r.Do = "Run this there: " + holder.Host + "."
	case answered:
		r.Says = "The bot's HTTP API at " + client.Base() + " answers, but not to this command: " + refused.Detail
		r.Do = refused.Remedy()
	case errors.Is(err, api.ErrNotEvergreen), errors.Is(err, api.ErrOtherInstance):
		r.State, r.Exit = silent, int(config.ExitUnexpected)
		r.Says = who + "but at " + client.Base() + " something else answers: " + err.Error()
		r.Do = "Restart the bot: its HTTP API then takes a port that is free."
		if client.Addr != holder.API || !holder.IsLocal() {
			r.Do = "Run this on the machine of the bot, or in its container, without --api-addr."
		}
	default:
		r.State, r.Exit = silent, int(config.ExitUnexpected)
		r.Says = fmt.Sprintf("%sand its HTTP API at %s does not answer: %v", who, client.Base(), err)
		r.Do = "If it stays so, the process hangs or the machine is out of memory or CPU time: its log says more; then restart it."
	}
}

// queryAPI fills the reading from the HTTP API.
func (r *reading) queryAPI(ctx context.Context, client api.Client) error {
	told, raw, err := client.Status(ctx)
	if err != nil {
		return err
	}
	r.status, r.Status, r.API = told, raw, client.Base()
	r.State, r.Says, r.Do = told.Status, told.StatusText+": "+told.Reason, told.Remedy
	r.judge(told)
	if f, err := client.Fleet(ctx); err == nil {
		r.Fleet = &f
	}
	incidents, err := client.Incidents(ctx, incidentsAsked)
	if err != nil {
		return nil // how the bot is stands; the past is an extra
	}
	r.Incidents = newestIncidents(incidents)
	return nil
}

// judge says whether the bot is online and attended, and what the exit code is.
func (r *reading) judge(told api.Status) {
	// The same as /readyz: that something is not right is no reason to restart a
	// bot that is connected and answers.
	r.Online = told.Ready && told.Connected && told.Work.OK && (told.Status == "online" || told.Status == "degraded")
	r.Attended = true
	for _, c := range told.Conditions {
		r.Attended = r.Attended && !health.CauseID(c.Cause).Unattended()
	}
	r.Exit = int(config.ExitUnexpected)
	if r.Online && r.Attended {
		r.Exit = int(config.ExitOK)
	}
}

// readStateDir fills the reading from the state folder, as far as that can be read.
func (r *reading) readStateDir(ctx context.Context, c config.Config) {
	if c.Token.Empty() {
		return
	}
	seen, err := store.Inspect(ctx, c.StateDir, tokenlock.FingerprintOf(c.Token.Reveal()))
	if err != nil || !seen.Exists {
		return
	}
	if !seen.SessionAlive.IsZero() {
		r.Session = &seen.SessionAlive
	}
	if r.Process == nil && seen.Runs > 0 {
		r.LastRun = store.PreviousRun{Run: seen.Last, End: seen.End}.String()
	}
	for n := len(seen.Incidents) - 1; n >= 0 && len(r.Incidents) < statusIncidents; n-- {
		i := seen.Incidents[n]
		r.Incidents = append(r.Incidents, incidentLine{i.Start, i.Summary()})
	}
}

// exitError is an error with the exit code of the reading, nil for 0.
func (r reading) exitError() error {
	if r.Exit == 0 {
		return nil
	}
	return statusCode(r.Exit)
}

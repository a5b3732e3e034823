package proxy

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"evergreen/bench/peer"
	"evergreen/internal/freeport"
)

// Run is one run of the measurements.
type Run struct {
	// Evergreen is the program, Folder a folder for its files.
	Evergreen, Folder string
	// Lasting is how long each load lasts, Away how long a bot is away, Guilds how many
	// there are where many are needed.
	Lasting, Away time.Duration
	Guilds        int
	// Log takes what goes on.
	Log io.Writer

	started int
}

// Row is one line of the table.
type Row struct {
	What, Goal string
	// Behind is the figure behind Evergreen, Beside the same for the client without it; ""
	// where there is none.
	Behind, Beside string
}

// part is one measurement.
type part struct {
	name string
	rows func(*Run, context.Context) ([]Row, error)
}

// parts are all of them, in the order of the table.
var parts = []part{
	{"latency", (*Run).latency},
	{"throughput", (*Run).throughput},
	{"start", (*Run).start},
	{"memory", (*Run).memory},
	{"bot", (*Run).botCrash},
	{"away", (*Run).away},
	{"evergreen", (*Run).evergreenCrash},
	{"hung", (*Run).hung},
	{"interaction", (*Run).interaction},
	{"rest", (*Run).rest},
}

// Names are what Measure can be limited to.
func Names() (names []string) {
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// Measure takes the figures of a name, or all for "".
func (r *Run) Measure(ctx context.Context, only string) (rows []Row, err error) {
	for _, p := range parts {
		if only != "" && only != p.name {
			continue
		}
		fmt.Fprintln(r.Log, p.name)
		some, err := p.rows(r, ctx)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", p.name, err)
		}
		rows = append(rows, some...)
	}
	return rows, ctx.Err()
}

// evergreen is a process of evergreen proxy.
type evergreen struct {
	*peer.Process
	gateway string // where bots connect
	rest    string // the REST base
	folder  string
	env     []string
	path    string
	args    []string
}

// patience bounds the wait for one thing.
const patience = time.Minute

// proxy starts evergreen proxy in front of a Discord and waits until both ends are there. API
// is where its HTTP API listens; "": nowhere.
func (r *Run) proxy(ctx context.Context, d *Discord, api string, env ...string) (*evergreen, error) {
	address, err := freeport.Address()
	if err != nil {
		return nil, err
	}
	r.started++
	e := &evergreen{gateway: "ws://" + address, rest: "http://" + address + "/api/v10", folder: filepath.Join(r.Folder, strconv.Itoa(r.started)), path: r.Evergreen}
	e.args = []string{"proxy", "--no-api"}
	e.env = append([]string{
		"DISCORD_TOKEN=" + token, "DISCORD_API_URL=" + d.APIURL(), "DISCORD_COMPRESSION=none", "PROXY_ADDR=" + address, "PROXY_INTENTS=" + strconv.Itoa(intents),
	}, env...)
	if api != "" {
		e.args = []string{"proxy"}
		e.env = append(e.env, "API_ADDR="+api)
	}
	if err := os.MkdirAll(e.folder, 0o755); err != nil {
		return nil, err
	}
	if err := e.start(); err != nil {
		return nil, err
	}
	if err := d.AwaitLink(patience); err != nil {
		e.Kill()
		return nil, fmt.Errorf("%w: see %s", err, e.folder)
	}
	return e, ctx.Err()
}

// behind starts a Discord with so many guilds and Evergreen in front of it. end ends both.
func (r *Run) behind(ctx context.Context, guilds int) (d *Discord, e *evergreen, end func(), err error) {
	if d, err = NewDiscord(guilds); err != nil {
		return nil, nil, nil, err
	}
	if e, err = r.proxy(ctx, d, ""); err != nil {
		d.Close()
		return nil, nil, nil, err
	}
	return d, e, func() { e.Kill(); d.Close() }, nil
}

// start starts the process.
func (e *evergreen) start() (err error) {
	e.Process, err = peer.Command{Path: e.path, Args: e.args, Env: e.env}.Start(e.folder)
	return err
}

// connect connects a bot and has it identify, with READY read.
func (e *evergreen) connect() (*Bot, error) {
	b, err := dialPatiently(e.gateway)
	if err != nil {
		return nil, err
	}
	if err = b.Identify(0, 1); err == nil {
		err = b.Await("READY", patience)
	}
	if err != nil {
		b.Kill()
	}
	return b, err
}

// dialPatiently connects a bot as soon as something listens.
func dialPatiently(gateway string) (*Bot, error) {
	deadline := time.Now().Add(patience)
	for {
		b, err := Dial(gateway, "")
		if err == nil || time.Now().After(deadline) {
			return b, err
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// percentile returns that of durations, which it sorts.
func percentile(all []time.Duration, part float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(math.Ceil(part*float64(len(all)))))]
}

// milliseconds is a duration for the table.
func milliseconds(d time.Duration) string {
	ms := float64(d.Microseconds()) / 1e3
	switch {
	case ms < 10:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f s", ms/1e3)
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
func kilobytes(n int64) string { return fmt.Sprintf("%.0f KB", float64(n)/1e3) }

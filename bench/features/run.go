package features

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"time"
)

// The outcomes of a feature.
const (
	Works     = "works"
	Missing   = "not simulated"
	Cannot    = "the library cannot"
	Fails     = "fails"
	Untried   = "not tried"
	OutOfPlay = "out of scope" // needs what a simulator does not have
)

// Result is what came of one feature with one library.
type Result struct {
	Outcome string `json:"outcome"`
	// Reason is why it does not work.
	Reason string `json:"reason,omitempty"`
}

// How long a program may take to connect, and for one feature.
const (
	connectWithin = 20 * time.Second
	featureWithin = 10 * time.Second
	settle        = 60 * time.Millisecond
)

// Run tries all features whose names contain a text with a library, whose files are put into a folder.
// It returns the results by the features' names.
func Run(ctx context.Context, lib *Library, folder string, wanted func(Feature) bool) (map[string]Result, error) {
	results := map[string]Result{}
	var plain []Feature
	for _, f := range All() {
		switch {
		case !wanted(f):
		case f.Needs != "":
			results[f.Name] = Result{Outcome: OutOfPlay, Reason: "needs " + f.Needs}
		case f.connects:
			r, err := runOne(ctx, lib, filepath.Join(folder, slug(f.Name)), f)
			if err != nil {
				return nil, err
			}
			results[f.Name] = r
		default:
			plain = append(plain, f)
		}
	}
	if len(plain) == 0 {
		return results, nil
	}
	return results, runAll(ctx, lib, folder, plain, results)
}

// connection is a program that has a world to itself.
type connection struct {
	*world
	*program
	tls *httptest.Server
}

// connect makes a world and starts a program in it.
func connect(lib *Library, folder string, guilds int, how Feature) (*connection, error) {
	w, err := newWorld(guilds, how.shards)
	if err != nil {
		return nil, err
	}
	origin := "http://" + w.listener.Addr().String()
	target, err := url.Parse(origin)
	if err != nil {
		w.close()
		return nil, err
	}
	tls := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }})
	name := ""
	if how.connects {
		name = how.Name
	}
	p, err := start(lib.Command, folder, "DISCORD_TOKEN="+w.app.Token, "DISCORD_ORIGIN="+origin, "DISCORD_TLS="+tls.URL, "CONNECT="+name)
	if err != nil {
		tls.Close()
		w.close()
		return nil, err
	}
	return &connection{world: w, program: p, tls: tls}, nil
}

func (c *connection) close() {
	c.program.end()
	c.tls.CloseClientConnections()
	c.tls.Close()
	c.world.close()
}

// awaitConnect waits until the program says that it is connected.
func (c *connection) awaitConnect(ctx context.Context) (line, error) {
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	return c.next(ctx, "connect")
}

// runOne tries a feature of connecting.
func runOne(ctx context.Context, lib *Library, folder string, f Feature) (Result, error) {
	c, err := connect(lib, folder, 2, f)
	if err != nil {
		return Result{}, err
	}
	defer c.close()
	answer, err := c.awaitConnect(ctx)
	t := &trial{world: c.world, ctx: ctx, home: c.guilds[0], args: c.fixtures[0], said: answer.Data}
	return c.outcome(t, f, answer, err, time.Now()), nil
}

// runAll tries all other features, one after another.
func runAll(ctx context.Context, lib *Library, folder string, features []Feature, results map[string]Result) error {
	c, err := connect(lib, folder, len(features), Feature{})
	if err != nil {
		return err
	}
	defer c.close()
	answer, err := c.awaitConnect(ctx)
	if err == nil && answer.State != stateOK {
		err = fmt.Errorf("%s: %s", answer.State, answer.Reason)
	}
	if err != nil {
		return fmt.Errorf("%s does not connect: %w; what it printed is in %s", lib.Name, err, folder)
	}
	for i, f := range features {
		if err := ctx.Err(); err != nil {
			return err
		}
		results[f.Name] = c.try(ctx, f, i)
		if results[f.Name].Reason == errEnded.Error() {
			return fmt.Errorf("%s has ended in %q; what it printed is in %s", lib.Name, f.Name, folder)
		}
	}
	return nil
}

// try tries one feature.
func (c *connection) try(ctx context.Context, f Feature, i int) Result {
	ctx, cancel := context.WithTimeout(ctx, featureWithin)
	defer cancel()
	t := &trial{world: c.world, ctx: ctx, home: c.guilds[i], args: c.fixtures[i]}
	began := time.Now()
	if f.prepare != nil {
		if err := f.prepare(t); err != nil {
			return Result{Fails, "cannot be prepared: " + err.Error()}
		}
		// What was made has to be known to the program: events come a little later than answers.
		time.Sleep(settle)
	}
	if err := c.ask(line{Feature: f.Name, Args: t.args}); err != nil {
		return Result{Fails, errEnded.Error()}
	}
	answer, err := c.next(ctx, f.Name)
	if err == nil && answer.State == stateReady {
		t.said = answer.Data
		if f.act == nil {
			err = errors.New("the program waits for people who do nothing here")
		} else if err = f.act(t); err == nil {
			answer, err = c.next(ctx, f.Name)
		}
	}
	t.said = answer.Data
	return c.outcome(t, f, answer, err, began)
}

// outcome says what came of a feature whose last answer was this.
func (c *connection) outcome(t *trial, f Feature, answer line, err error, began time.Time) Result {
	switch {
	case err == nil && answer.State == stateCannot:
		return Result{Cannot, answer.Reason}
	case err == nil && answer.State == stateUntried:
		return Result{Outcome: Untried}
	case err == nil && answer.State != stateOK:
		err = errors.New(answer.Reason)
	case err == nil && f.check != nil:
		err = f.check(t)
	}
	if route := c.refused(began); err != nil && route != "" {
		return Result{Missing, route}
	}
	if err != nil {
		return Result{Fails, err.Error()}
	}
	return Result{Outcome: Works}
}

// refused returns a route that the simulator did not have when the bot asked for it.
func (c *connection) refused(since time.Time) string {
	for _, r := range c.sim.Requests(c.app) {
		if !r.At.Before(since) && r.Status == http.StatusNotImplemented {
			return r.Route
		}
	}
	return ""
}

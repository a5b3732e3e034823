package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/process/tokenlock"
	"evergreen/internal/web/api"
)

// instance is what the running instance says over its HTTP API, as far as it is
// needed here.
type instance struct {
	Status     string     `json:"status"`
	StatusText string     `json:"status_text"`
	Reason     string     `json:"reason"`
	Remedy     string     `json:"remedy"`
	Since      *time.Time `json:"since"`
	Started    *time.Time `json:"started"`
	Ready      bool       `json:"ready"`
	Connected  bool       `json:"connected"`
	Bot        struct {
		Username string `json:"username"`
		Guilds   int    `json:"guilds"`
	} `json:"bot"`
	Work struct {
		OK       bool   `json:"ok"`
		Reason   string `json:"reason"`
		Cause    string `json:"cause"`
		Received int64  `json:"received"`
		Asked    int64  `json:"asked"`
		Answered int64  `json:"answered"`
		Failed   int64  `json:"failed"`
	} `json:"work"`
	Latency struct {
		Gateway *percentiles `json:"gateway_ms"`
		REST    *percentiles `json:"rest_ms"`
	} `json:"latency"`
	Conditions []struct {
		Cause   health.CauseID `json:"cause"`
		Trouble string         `json:"trouble"`
		Says    string         `json:"says"`
		Told    bool           `json:"in_reason"`
	} `json:"conditions"`
	Proxy  *api.Bots `json:"proxy"`
	Budget *budget   `json:"budget"`
	Counts struct {
		Identifies int64 `json:"identifies"`
		Resumed    int64 `json:"resumed"`
		Heartbeats int64 `json:"heartbeats"`
		ACKs       int64 `json:"acks"`
	} `json:"counts"`

	incidents []incident
	noContent string // the line of its log that says that content does not arrive
}

// budget is the account of session starts.
type budget struct {
	Total       int  `json:"total"`
	Remaining   int  `json:"remaining"`
	FromDiscord bool `json:"from_discord"`
}

// awaitsBot reports whether the instance waits for the first bot to tell which intents it
// needs.
func (r *instance) awaitsBot() bool { return r.Proxy != nil && !r.Proxy.Known }

type percentiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
}

func (p percentiles) String() string {
	return fmt.Sprintf("p50 %.0f ms, p95 %.0f ms, p99 %.0f ms", p.P50, p.P95, p.P99)
}

// trouble returns what the running instance says of a condition; empty if it does not
// hold or cannot be asked for.
func (x *examination) trouble(cause health.CauseID) string {
	if x.instance != nil {
		for _, c := range x.instance.Conditions {
			if c.Cause == cause {
				return plain(c.Trouble)
			}
		}
	}
	return ""
}

// isRunning reports whether a process runs the bot.
func (x *examination) isRunning() bool {
	holder, err := tokenlock.Inspect(x.config.StateDir, x.fingerprint)
	return err == nil && holder != nil
}

// checkInstance finds out whether the bot is running, and asks it how it is.
func (x *examination) checkInstance(ctx context.Context) Finding {
	holder, err := tokenlock.Inspect(x.config.StateDir, x.fingerprint)
	if err != nil {
		return warn("who runs the bot cannot be found out: "+explainFile(err), "Run the doctor as the user that runs the bot.")
	}
	if holder == nil {
		return pass("no process runs this bot with this state folder", "the lock ends with its process, so there is none to be removed")
	}
	x.holder = holder
	r, err := x.askInstance(ctx)
	if err != nil {
		return warn(holder.String()+" runs the bot, and cannot be asked how it is",
			"Start it with run --api (and the doctor with the same API_TOKEN), or read its log.",
			"A second copy with this folder will not start; run --take-over replaces the first without a gap.",
		).with(err.Error())
	}
	x.instance = r
	says := fmt.Sprintf("%s runs the bot: %s", holder, r.StatusText)
	f := pass(says)
	if r.Reason != "" {
		f = f.with(r.Reason)
	}
	for _, c := range r.Conditions {
		if c.Says != "" && !c.Told {
			f = f.with(plain(c.Says))
		}
	}
	if r.Started != nil {
		f = f.with(fmt.Sprintf("started %s ago; IDENTIFY %d, RESUME %d since", longDuration(x.Now().Sub(*r.Started)), r.Counts.Identifies, r.Counts.Resumed))
	}
	switch {
	case r.Status == "needs-you":
		f.Level, f.NeedsYou, f.Next = Fail, true, trimLines([]string{r.Remedy})
	case r.awaitsBot():
		f.raise(Warn)
		f.Next = trimLines([]string{r.Remedy})
	case x.isStarting(r):
		f.raise(Warn)
		f.Next = []string{"It has only just begun: ask again in a minute."}
	case !r.Connected && r.lostLarge():
		f.Level, f.Next, f.Cause = Fail, x.mtuSteps(), health.PathMTU
	case !r.Connected:
		f.Level, f.Next = Fail, trimLines([]string{r.Remedy, "The checks below say where it is stuck; the bot goes on trying by itself."})
	case !r.Work.OK:
		f.raise(Warn)
		f = f.with(r.Work.Reason)
		f.Next = []string{"Connected is not the same as working: look for the slow or failing handler in the log."}
		f.Cause = cmp.Or(health.CauseID(r.Work.Cause), health.SlowHandlers)
		if f.Cause == health.AnswersBlocked {
			f.Next = trimLines([]string{r.Remedy})
		}
	}
	return f
}

// startupTime is how long a start may take before it counts as a failure. By then
// IDENTIFY has waited its turn, or has been refused.
const startupTime = time.Minute

// isStarting reports whether the running instance has just been started.
func (x *examination) isStarting(r *instance) bool {
	return r.Status == "starting" && r.Started != nil && x.Now().Sub(*r.Started) < startupTime
}

// instanceTimeout is how long the requests to an instance may take together.
const instanceTimeout = 2 * time.Second

// errNoAPI means that the running instance has no HTTP API.
var errNoAPI = errors.New("it runs without the HTTP API")

// askInstance fetches status, incidents and log lines of the running instance, at the
// address that its lock names and nowhere else.
func (x *examination) askInstance(ctx context.Context) (*instance, error) {
	client, ok := api.ClientOf(*x.holder, x.config.APIToken.Reveal())
	if !ok {
		return nil, errNoAPI
	}
	ctx, cancel := context.WithTimeout(ctx, instanceTimeout)
	defer cancel()
	_, raw, err := client.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("its HTTP API at %s: %s", client.Base(), explainInstance(err))
	}
	r := &instance{}
	if json.Unmarshal(raw, r) != nil {
		return nil, errors.New("what answers there is not an Evergreen of this version")
	}
	if r.Status == "" || r.StatusText == "" {
		return nil, errors.New("what answers there is not an Evergreen of this version")
	}
	var incidents struct {
		Incidents []struct {
			incident
			Evidence struct {
				SleptS   float64 `json:"slept_s"`
				StalledS float64 `json:"stalled_s"`
			} `json:"evidence"`
		} `json:"incidents"`
	}
	// Without what follows, less is reported.
	if client.Get(ctx, "/api/v1/incidents?limit=200", &incidents) == nil {
		for _, i := range incidents.Incidents {
			i.incident.SleptS, i.incident.StalledS = i.Evidence.SleptS, i.Evidence.StalledS
			r.incidents = append(r.incidents, i.incident)
		}
	}
	var lines struct {
		Lines []struct {
			Text  string            `json:"text"`
			Attrs map[string]string `json:"attrs"`
		} `json:"lines"`
	}
	if client.Get(ctx, "/api/v1/logs", &lines) == nil {
		for _, line := range lines.Lines {
			if strings.HasPrefix(line.Text, "Message content intent missing") {
				r.noContent = plain(line.Text + ". " + line.Attrs["remedy"])
			}
		}
	}
	return r, nil
}

// explainInstance says why the instance does not say how it is.
func explainInstance(err error) string {
	if refused, ok := errors.AsType[*api.RefusedError](err); ok {
		switch refused.Code {
		case http.StatusUnauthorized, http.StatusForbidden:
			return fmt.Sprintf("HTTP %d: it wants another API_TOKEN than the doctor has", refused.Code)
		case http.StatusTooManyRequests:
			return "HTTP 429: too many wrong tokens have come from this machine, and the doctor's API_TOKEN is one of them; the right one is let in at once"
		}
		return refused.Error()
	}
	if errors.Is(err, api.ErrNotEvergreen) || errors.Is(err, api.ErrOtherInstance) {
		return err.Error()
	}
	return explain(err)
}

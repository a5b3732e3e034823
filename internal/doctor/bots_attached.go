package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/sidecar"
	"evergreen/internal/text"
	"evergreen/internal/web/api"
)

// The times after which a bot counts as away, or as one that hangs: a restart takes some.
const (
	awayAfter  = 10 * time.Second
	hangsAfter = 10 * time.Second
	crashLoop  = 5 // starts within five minutes
)

// checkBotsAttached asks the running instance whether its bot is there, and reads.
func (x *examination) checkBotsAttached(context.Context) Finding {
	switch {
	case !x.botsReady:
		return x.notReady()
	case x.instance == nil:
		return Finding{Level: Skip, Says: "not known: evergreen proxy runs without the HTTP API (--no-api), and its log alone says so"}
	}
	return attachedFinding(*x.instance.Proxy, x.instance.Connected, x.Now())
}

// attachedFinding says whether each bot is there.
func attachedFinding(p api.Bots, connected bool, now time.Time) Finding {
	if len(p.Consumers) == 0 {
		f := warn("no bot has ever attached: most likely its one setting is not made, and it connects to Discord directly",
			"Start the bot with evergreen proxy -- COMMAND, or make the setting of its library and start it: evergreen proxy setup")
		if p.Counts.WrongTokens > 0 {
			f = warn(fmt.Sprintf("no bot has ever attached: %s presented another token", text.Count(p.Counts.WrongTokens, "connection or request")),
				"Give the bot the token of Evergreen's DISCORD_TOKEN, or PROXY_TOKEN if that is set.")
		}
		if connected {
			return f.with("Evergreen is connected to Discord, so the dot is green and nobody answers").withCause(health.BotAway)
		}
		return f.with("Evergreen connects to Discord once a bot has said which intents it needs")
	}
	f := pass("")
	var says []string
	for _, c := range p.Consumers {
		one := consumerFinding(c, now)
		says = append(says, c.Consumer+" "+one.Says)
		if before := f.Level; f.Level != one.Level {
			f.raise(one.Level)
			if f.Level != before {
				f.Cause, f.Next = one.Cause, one.Next
			}
		}
		f = f.with(one.Evidence...)
	}
	f.Says = strings.Join(says, "; ")
	return f
}

// consumerFinding says whether the bot of one shard pair is there.
func consumerFinding(c api.Consumer, now time.Time) Finding {
	name := strings.TrimSpace(plain(c.Library + " " + c.Version))
	if name == "" {
		name = "a bot"
	}
	var lasts time.Duration
	if c.Since != nil {
		lasts = now.Sub(*c.Since)
	}
	f := pass(fmt.Sprintf("%s is %s for %s", name, c.Phase, longDuration(lasts)))
	blame := func(level Level, says string, cause health.CauseID) {
		f.Level, f.Says, f.Cause, f.Next = level, says, cause, trimLines([]string{health.Lookup(cause).Do})
	}
	switch phase := sidecar.Phase(c.Phase); {
	case phase == sidecar.PhaseAway && lasts < awayAfter:
		blame(Warn, fmt.Sprintf("%s has been away for %s: perhaps it is just restarting", name, longDuration(lasts)), health.BotAway)
	case phase == sidecar.PhaseAway:
		blame(Fail, fmt.Sprintf("%s has been away for %s: the dot is green and nobody answers", name, longDuration(lasts)), health.BotAway)
	case phase == sidecar.PhaseStalled && lasts >= hangsAfter:
		blame(Fail, fmt.Sprintf("%s is there and has read nothing for %s: it hangs", name, longDuration(lasts)), health.BotHangs)
	case c.Starts5m >= crashLoop:
		blame(Warn, fmt.Sprintf("%s has started %d times within five minutes", name, c.Starts5m), health.BotCrashLoop)
	}
	if c.Waiting.Events > 0 && !c.Attended {
		f = f.with(fmt.Sprintf("%s: %s for it", c.Consumer, waits(c.Waiting.Events)))
	}
	if n := c.Counts; n.Lost+n.SetAside > 0 {
		f.raise(Warn)
		f = f.with(fmt.Sprintf("%s: %s lost, %d set aside since the start of Evergreen", c.Consumer, text.Count(n.Lost, "event"), n.SetAside))
	}
	return f
}

func waits(events int) string {
	if events == 1 {
		return "1 event waits"
	}
	return fmt.Sprintf("%d events wait", events)
}

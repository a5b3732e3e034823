package doctor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/discord/preflight"
	"evergreen/internal/discord/rest"
	"evergreen/internal/health"
	"evergreen/internal/process/config"
	"evergreen/internal/text"
)

// portal is Discord's developer portal.
const portal = "https://discord.com/developers/applications"

// checkLogin asks REST whose token it is, and fetches what the checks after this
// one look at.
func (x *examination) checkLogin(ctx context.Context) Finding {
	limits := rest.New(rest.Options{Base: x.client.Transport, UserAgent: x.userAgent(), Tries: 1, AttemptTimeout: answerTimeout, Timeout: answerTimeout})
	x.limited = &http.Client{Transport: limits, CheckRedirect: x.client.CheckRedirect}
	var err error
	x.preflight, err = preflight.New(preflight.Options{
		HTTPClient: x.limited, APIURL: x.config.APIURL, UserAgent: x.userAgent(),
		Token: x.config.Token.Reveal, Intents: x.intents, Optional: x.config.OptionalIntents,
		Running: func() int { return x.config.Shards.Count },
		Timeout: answerTimeout, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return fail("the questions cannot be asked: " + err.Error())
	}
	r, err := x.preflight.Check(ctx)
	x.report = r
	failure, refused := errors.AsType[*config.Failure](err)
	switch {
	case errors.Is(err, gateway.ErrUnauthorized):
		f := needsYou("Discord refuses the token (HTTP 401)").withCause(health.TokenRefused)
		if refused {
			f.Next = failure.Steps
		}
		return f
	case r.User.ID == 0 && r.Trouble != nil:
		return fail("the token could not be checked: "+plain(r.Trouble.Error()), "Run the doctor again in a minute.")
	case err != nil && !refused:
		return fail("the token could not be checked: "+explain(err), "Run the doctor again in a minute.")
	}
	x.preflightErr = err
	f := pass(fmt.Sprintf("good: it belongs to %s (%d)", r.User.Name, r.User.ID))
	if r.Application.Guilds > 0 {
		f = f.with(fmt.Sprintf("in about %s", text.Count(r.Application.Guilds, "guild")))
	}
	if r.Application.Endpoint != "" {
		f.raise(Warn)
		f = f.with("the application has an interactions endpoint URL: " + plain(r.Application.Endpoint))
		f.Says += "; slash commands go to a web address, not to this bot"
		f.Next = []string{fmt.Sprintf("Remove the interactions endpoint URL at %s/%d/information, unless it is wanted.", portal, r.Application.ID)}
	}
	return f
}

// checkIntents compares the bot's intents with the switches in the portal.
func (x *examination) checkIntents(context.Context) Finding {
	wanted, app := x.intents(), x.report.Application
	if x.isProxied() && len(wanted.Switches()) == 0 {
		return pass("the bot behind evergreen proxy needs none that has a switch, as far as is known", "asked for: "+strings.ReplaceAll(wanted.String(), "|", ", "))
	}
	if !app.FlagsKnown {
		return warn("Discord does not tell which switches are on",
			fmt.Sprintf("Look at %s/%d/bot, Privileged Gateway Intents: %s have to be on.", portal, app.ID, strings.Join(wanted.Switches(), " and ")))
	}
	off := wanted.Refused(app.Flags)
	page := fmt.Sprintf("%s/%d/bot", portal, app.ID)
	asked := "asked for: " + strings.ReplaceAll(wanted.String(), "|", ", ")
	switch missing := off &^ x.config.OptionalIntents; {
	case missing != 0:
		f := needsYou(strings.Join(missing.Switches(), " and ") + " off in the developer portal: Discord would close with 4014").with(asked).withCause(health.IntentsRefused)
		if failure, ok := errors.AsType[*config.Failure](x.preflightErr); ok && len(failure.Steps) > 1 {
			f.Next = failure.Steps
		} else {
			f.Next = []string{"Open " + page + ", Privileged Gateway Intents, switch on " + strings.Join(missing.Switches(), " and ") + ", and save."}
		}
		return f
	case off != 0:
		return warn(strings.Join(off.Switches(), " and ")+" off; the bot may start without (DISCORD_OPTIONAL_INTENTS), degraded",
			"Switch on at "+page+", Privileged Gateway Intents, and restart.").with(asked).withCause(health.GreenButUseless)
	}
	return pass("switched on: "+strings.Join(wanted.Switches(), " and "), asked, "the switches are at "+page)
}

// externalStarts is how many more session starts than this folder knows of make it
// likely that another program spends them.
const externalStarts = 10

// checkBudget checks how many sessions may be started, and what spent the others.
func (x *examination) checkBudget(ctx context.Context) Finding {
	limits, err := x.preflight.Limits(ctx)
	if err != nil {
		return warn("Discord does not tell how many are left: "+plain(err.Error()), "The bot counts them itself; run the doctor again in a minute.")
	}
	x.startLimit = limits
	reset := limits.At.Add(limits.ResetAfter)
	spent := limits.Total - limits.Remaining
	own := x.knownStarts(reset.Add(-24 * time.Hour))
	f := pass(fmt.Sprintf("%d of %d left, all of them again at %s", limits.Remaining, limits.Total, localTime(reset)),
		fmt.Sprintf("%d at once (max_concurrency)", limits.MaxConcurrency),
		fmt.Sprintf("Discord counts %d spent; this state folder knows of %d", spent, own))
	cause := "Find out what spent them: a crash loop (the log shows many starts), or a second program with the same token."
	switch {
	case limits.Remaining <= 0:
		f.Level = Fail
		f.Says = "all " + fmt.Sprint(limits.Total) + " of the day are spent; the next session can be started at " + localTime(reset)
		f.Next = []string{"Do not start it again and again: one more would make Discord reset the token. A running bot waits by itself.", cause}
		f.Cause = health.IdentifyBudget
	case 5*limits.Remaining < limits.Total:
		f.raise(Warn)
		f.Says += ": few"
		f.Next, f.Cause = []string{cause}, health.IdentifyBudget
	case spent-own >= externalStarts && x.holder == nil:
		f.raise(Warn)
		f.Says += fmt.Sprintf("; %d were spent elsewhere", spent-own)
		f.Next = []string{"Does another machine or another state folder run a bot with this token? Two answer everything twice. Stop one, or reset the token: " + portal + ", Bot, Reset Token."}
		f.Cause = health.TwoInstances
	}
	return f
}

// knownStarts counts the session starts in the state folder since a time.
func (x *examination) knownStarts(since time.Time) (n int) {
	for _, e := range x.summary.Entries {
		if e.At.After(since) && e.State != identify.Unsent {
			n++
		}
	}
	return n
}

const maxGuildsPerShard = 2500

// checkShards compares the number of guilds with the number of shards.
func (x *examination) checkShards(ctx context.Context) Finding {
	recommended, err := x.preflight.Shards(ctx)
	if err != nil {
		return warn("Discord does not recommend a number: "+plain(err.Error()), "Run the doctor again in a minute.")
	}
	guilds, set := x.report.Application.Guilds, x.config.Shards
	count, how := recommended, "SHARDS is auto, so the bot follows"
	if !set.Auto() {
		count, how = set.Count, "SHARDS is "+set.String()
	}
	if count > 1 {
		x.shard = gateway.ShardID{ID: 0, Count: count}
		if len(set.IDs) > 0 {
			x.shard.ID = set.IDs[0]
		}
	}
	says := fmt.Sprintf("Discord recommends %d for about %s; %s", recommended, text.Count(guilds, "guild"), how)
	next := fmt.Sprintf("Set SHARDS to auto, or to %d or more: Discord refuses a shard with more than %d guilds (close code 4011).", max(recommended, (guilds+maxGuildsPerShard-1)/maxGuildsPerShard), maxGuildsPerShard)
	switch {
	case guilds > maxGuildsPerShard*count:
		return needsYou(says+", too few", next).withCause(health.ShardingRequired)
	case 10*guilds > 8*maxGuildsPerShard*count:
		return warn(says+", nearly too few", next).withCause(health.ShardingRequired)
	case recommended > count:
		return warn(says, next).withCause(health.ShardingRequired)
	}
	return pass(says)
}

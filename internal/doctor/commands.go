package doctor

import (
	"context"
	"fmt"
	"strings"

	"evergreen/internal/bot"
	"evergreen/internal/health"
	"evergreen/internal/text"

	"github.com/disgoorg/snowflake/v2"
)

// checkCommands compares Discord's list of slash commands with the bot's. It changes
// nothing: the bot registers them when it starts.
func (x *examination) checkCommands(ctx context.Context) Finding {
	if x.isProxied() {
		return pass("left to the bot behind evergreen proxy, which registers its own")
	}
	if !x.config.SlashCommands {
		return pass("left as they are (DISCORD_SLASH_COMMANDS is false)")
	}
	options := bot.Options{Token: x.config.Token.Reveal(), HTTPClient: x.limited, APIURL: x.config.APIURL, UserAgent: x.userAgent()}
	missing, err := bot.Unregistered(ctx, options, snowflake.ID(x.report.Application.ID))
	if trouble := x.trouble(health.CommandsUnregistered); trouble != "" {
		f := fail("the running instance could not register them", trimLines([]string{health.Lookup(health.CommandsUnregistered).Do})...).
			with(trouble).withCause(health.CommandsUnregistered)
		if err == nil && len(missing) > 0 {
			f = f.with("missing at Discord: " + slashed(missing))
		}
		return f
	}
	all := len(bot.Builtin())
	switch {
	case err != nil:
		return warn("Discord does not tell which are registered: "+plain(err.Error()), "Run the doctor again in a minute.")
	case len(missing) == 0:
		return pass(fmt.Sprintf("all %d are registered", all))
	case x.holder == nil || x.instance != nil && x.isStarting(x.instance):
		return pass(fmt.Sprintf("%d of %d are registered; the bot registers the others when it starts", all-len(missing), all), "not yet: "+slashed(missing))
	}
	return warn(fmt.Sprintf("%s not registered although the bot is running", text.Count(len(missing), "command")),
		"Read why in the bot's log: Slash commands could not be registered.").
		with("missing at Discord: " + slashed(missing)).withCause(health.CommandsUnregistered)
}

// slashed lists names of slash commands.
func slashed(names []string) string { return "/" + strings.Join(names, ", /") }

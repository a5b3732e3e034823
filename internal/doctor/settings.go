package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"evergreen/internal/process/config"
	"evergreen/internal/text"
)

// aboutToken reports whether a warning of the settings is the token check's.
func aboutToken(warning string) bool {
	return strings.HasPrefix(warning, "DISCORD_TOKEN (") || strings.HasPrefix(warning, "DISCORD_TOKEN_FILE (")
}

// meantToken reports whether a warning says that a name was meant to be the
// token's.
func meantToken(warning string) bool {
	return strings.HasSuffix(warning, "did you mean DISCORD_TOKEN?")
}

// checkSettings tells what is wrong with the settings, and what is odd.
func (v *visit) checkSettings(context.Context) Finding {
	if v.LoadErr != nil {
		wrong, ok := errors.AsType[*config.Error](v.LoadErr)
		if !ok {
			return needsYou("the settings cannot be read: " + v.LoadErr.Error())
		}
		f := needsYou(fmt.Sprintf("%s cannot be used", text.Count(len(wrong.Problems), "setting")),
			"Change what is named here, in the place that stands in brackets; docs/settings.md lists what is allowed.")
		for _, p := range wrong.Problems {
			f = f.saw(p.String())
		}
		return f
	}
	from := map[config.Source]int{}
	for _, origin := range v.Loaded.Origins {
		from[origin.Source]++
	}
	f := pass(fmt.Sprintf("%d from flags, %d from the environment, %d from .env, the rest by default",
		from[config.SourceFlag], from[config.SourceEnvironment], from[config.SourceDotenv]))
	for _, warning := range v.Loaded.Warnings {
		if aboutToken(warning) || meantToken(warning) && v.config.Token.Empty() {
			continue // the next check's
		}
		f.worst(Warn)
		f = f.saw(warning)
	}
	if f.Level == Warn {
		f.Says += "; something is probably not as you meant it"
		f.Next = []string{"Correct the names and values above, or take them out."}
	}
	return f
}

// checkToken looks at the token without asking anybody.
func (v *visit) checkToken(context.Context) Finding {
	token := v.config.Token
	if token.Empty() {
		missing := &config.MissingTokenError{}
		lines := strings.Split(missing.Error(), "\n")
		f := needsYou("DISCORD_TOKEN is not set", trimmed(lines[1:])...)
		for _, warning := range v.Loaded.Warnings {
			if meantToken(warning) {
				f = f.saw(warning)
			}
		}
		return f
	}
	where := "DISCORD_TOKEN"
	if v.config.TokenFile != "" {
		where = "DISCORD_TOKEN_FILE"
	}
	f := pass("it stands in " + where + " (" + v.Loaded.Origins[where].String() + ")")
	switch id := v.of.Bot(); {
	case id != "":
		f = f.saw("three parts with dots between, and the first one names the bot's user " + id)
	case v.simulated():
		f = f.saw("not of Discord's shape, which does not matter for " + v.target.Host)
	default:
		f = warn("it does not look like a bot token", "Copy it again: https://discord.com/developers/applications, your application, Bot, Reset Token.")
		f = f.saw("it does not have the usual three parts with dots between")
	}
	v.checkExposure(&f)
	return f
}

// checkExposure finds a file with the token that others than its owner can read.
func (v *visit) checkExposure(f *Finding) {
	path, who := v.Loaded.Exposed()
	if path == "" {
		return
	}
	if v.Fix {
		if err := os.Chmod(path, 0o600); err == nil {
			f.Fixed = append(f.Fixed, "took the rights of other users to "+path+" away (mode 0600)")
			return
		}
	}
	if f.Level == Pass {
		f.Says = "the file that holds it is open to others than its owner"
	}
	f.worst(Warn)
	*f = f.saw(path + ": " + who + ", and whoever has the token is the bot")
	f.Next = append(f.Next, "Run evergreen doctor --fix, or: chmod 600 "+path)
}

// trimmed takes the indents off, and lines without text away.
func trimmed(lines []string) (all []string) {
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

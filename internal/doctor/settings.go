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

// isTokenWarning reports whether a warning belongs to the token check.
func isTokenWarning(warning string) bool {
	return strings.HasPrefix(warning, "DISCORD_TOKEN (") || strings.HasPrefix(warning, "DISCORD_TOKEN_FILE (")
}

// suggestsToken reports whether a warning is about a misspelt DISCORD_TOKEN.
func suggestsToken(warning string) bool {
	return strings.HasSuffix(warning, "did you mean DISCORD_TOKEN?")
}

// checkSettings reports settings that are wrong or suspicious.
func (x *examination) checkSettings(context.Context) Finding {
	if x.LoadErr != nil {
		wrong, ok := errors.AsType[*config.Error](x.LoadErr)
		if !ok {
			return needsYou("the settings cannot be read: " + x.LoadErr.Error())
		}
		f := needsYou(fmt.Sprintf("%s cannot be used", text.Count(len(wrong.Problems), "setting")),
			"Change what is named here, in the place that stands in brackets; docs/settings.md lists what is allowed.")
		for _, p := range wrong.Problems {
			f = f.with(p.String())
		}
		return f
	}
	from := map[config.Source]int{}
	for _, origin := range x.Loaded.Origins {
		from[origin.Source]++
	}
	f := pass(fmt.Sprintf("%d from flags, %d from the environment, %d from .env, the rest by default",
		from[config.SourceFlag], from[config.SourceEnvironment], from[config.SourceDotenv]))
	for _, warning := range x.Loaded.Warnings {
		if isTokenWarning(warning) || suggestsToken(warning) && x.config.Token.Empty() {
			continue // the next check reports it
		}
		f.raise(Warn)
		f = f.with(warning)
	}
	if f.Level == Warn {
		f.Says += "; something is probably not as you meant it"
		f.Next = []string{"Correct the names and values above, or take them out."}
	}
	return f
}

// checkToken checks the form of the token, without the network.
func (x *examination) checkToken(context.Context) Finding {
	token := x.config.Token
	if token.Empty() {
		missing := &config.MissingTokenError{}
		lines := strings.Split(missing.Error(), "\n")
		f := needsYou("DISCORD_TOKEN is not set", trimLines(lines[1:])...)
		for _, warning := range x.Loaded.Warnings {
			if suggestsToken(warning) {
				f = f.with(warning)
			}
		}
		return f
	}
	where := "DISCORD_TOKEN"
	if x.config.TokenFile != "" {
		where = "DISCORD_TOKEN_FILE"
	}
	f := pass("it stands in " + where + " (" + x.Loaded.Origins[where].String() + ")")
	switch id := x.fingerprint.Bot(); {
	case id != "":
		f = f.with("three parts with dots between, and the first one names the bot's user " + id)
	case x.isSimulated():
		f = f.with("not of Discord's shape, which does not matter for " + x.target.Host)
	default:
		f = warn("it does not look like a bot token", "Copy it again: https://discord.com/developers/applications, your application, Bot, Reset Token.")
		f = f.with("it does not have the usual three parts with dots between")
	}
	x.checkExposure(&f)
	return f
}

// checkExposure warns about a file with the token that other users can read.
func (x *examination) checkExposure(f *Finding) {
	path, who := x.Loaded.Exposed()
	if path == "" {
		return
	}
	if x.Fix {
		if err := os.Chmod(path, 0o600); err == nil {
			f.Fixed = append(f.Fixed, "took the rights of other users to "+path+" away (mode 0600)")
			return
		}
	}
	if f.Level == Pass {
		f.Says = "the file that holds it is open to others than its owner"
	}
	f.raise(Warn)
	*f = f.with(path + ": " + who + ", and whoever has the token is the bot")
	f.Next = append(f.Next, "Run evergreen doctor --fix, or: chmod 600 "+path)
}

// trimLines removes indents and empty lines.
func trimLines(lines []string) (all []string) {
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

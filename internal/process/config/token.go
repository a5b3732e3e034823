package config

import (
	"errors"
	"os"
	"regexp"
	"strings"

	"evergreen/internal/regular"
)

// MissingTokenError means that no bot token was given anywhere.
type MissingTokenError struct {
	// Hints names variables that look as if they were meant to hold the token.
	Hints []string
}

// Error says where to get a token and where to put it.
func (e *MissingTokenError) Error() string {
	lines := []string{"DISCORD_TOKEN is not set, and without a bot token Discord lets nobody in."}
	lines = append(lines, e.Hints...)
	lines = append(lines,
		"1. Open https://discord.com/developers/applications and choose your application, or make one with New Application.",
		"2. Open its Bot page, press Reset Token and copy the token. It is shown only once.",
		"3. On the same page switch on Message Content Intent and Server Members Intent.",
		"4. Put the line DISCORD_TOKEN=<the token> into a file named .env in this folder (see .env.example), or name a file that holds it in DISCORD_TOKEN_FILE.",
		"To see everything work without a token, run: evergreen demo",
	)
	return strings.Join(lines, "\n  ")
}

// ExitCode is ExitConfig.
func (e *MissingTokenError) ExitCode() int { return int(ExitConfig) }

const tokenAllowed = "the token from the Bot page of your application at https://discord.com/developers/applications"

var (
	// tokenShape is what Discord's bot tokens look like: the bot's id, a time
	// and a signature, in base64 without padding.
	tokenShape = regexp.MustCompile(`[A-Za-z0-9_-]{18,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{20,}`)
	// tokenStandIn matches what examples and templates put in a token's place.
	tokenStandIn = regexp.MustCompile(`(?i)^(<.*>|\[.*\]|\{.*\}|\$.*|x{2,}([-_.]x+)*|\.{2,}|\*{2,}|(insert|paste|put|enter|replace|your)[-_. ].*|.*(token|key|secret)[-_. ]*(goes)?[-_. ]*here|(your|my|the)?[-_. ]*(discord)?[-_. ]*(bot)?[-_. ]*token|change[-_. ]?me|replace[-_. ]?me|todo|tbd|none|null|nil|undefined|placeholder|secret|example)$`)
	onlyDigits   = regexp.MustCompile(`^[0-9]{17,20}$`)
)

// cleanToken removes what copying and quoting leave around a token: space,
// newlines, quotes, and a "Bot " prefix.
func cleanToken(text string) string {
	text = strings.Trim(text, "\ufeff \t\r\n\v\f\"'`")
	if rest, found := cutPrefixFold(text, "Bot "); found {
		text = strings.Trim(rest, " \t\r\n\"'`")
	}
	return text
}

// cutPrefixFold is strings.CutPrefix for ASCII letters of any case.
func cutPrefixFold(text, prefix string) (string, bool) {
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return text, false
	}
	return text[len(prefix):], true
}

// checkToken says why a cleaned token can never work, without repeating it.
func checkToken(token string) error {
	if _, found := cutPrefixFold(token, "Bearer "); found {
		return errors.New("this is an OAuth2 bearer token; a bot needs its own token")
	}
	if tokenStandIn.MatchString(token) {
		return errors.New("this is the placeholder of an example, not a token")
	}
	if strings.ContainsAny(token, " \t\r\n\v\f") {
		return errors.New("it contains spaces or several lines, and a token has none")
	}
	for _, r := range token {
		if r <= ' ' || r > '~' {
			return errors.New("it contains characters that no token has (letters, digits, dots, dashes and underscores only)")
		}
	}
	return nil
}

// warnToken says what is odd about a token that may work nevertheless: other
// servers than Discord's own hand out tokens of any shape.
func warnToken(token string) string {
	switch {
	case token == "" || tokenShape.MatchString(token):
		return ""
	case onlyDigits.MatchString(token):
		return "it looks like an application id, not like a bot token; trying it anyway"
	case strings.Count(token, ".") == 0 && len(token) == 32:
		return "it looks like a client secret, not like a bot token; trying it anyway"
	}
	return "it does not have the usual shape of a bot token (three parts with dots between); trying it anyway"
}

// readToken reads a token from a file such as a container secret.
func readToken(path string) (string, error) {
	const most = 4096
	text, whole, err := regular.ReadInput(path, most, pipeWait)
	switch {
	case err != nil:
		return "", errors.New("the file cannot be read: " + reason(err))
	case !whole:
		return "", errors.New("the file is too large to hold just a token")
	}
	token := cleanToken(string(text))
	if token == "" {
		return "", errors.New("the file is empty")
	}
	return token, checkToken(token)
}

// reason is an error of the file system without the path, which the caller
// has named already.
func reason(err error) string {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err.Error()
	}
	if odd, ok := errors.AsType[*regular.NotRegularError](err); ok {
		return odd.Reason()
	}
	return err.Error()
}

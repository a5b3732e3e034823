package config

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"evergreen/gateway"

	"github.com/caarlos0/env/v11"
)

// Sources are where [Load] looks.
type Sources struct {
	// Flags are the flags that were given, by variable.
	Flags map[string]string
	// Environ is the environment in the form of os.Environ.
	Environ []string
	// Dotenv is the path of a .env file; empty: none is read.
	Dotenv string
	// DotenvRequired makes it an error when that file does not exist.
	DotenvRequired bool
	// TokenOptional accepts that there is no token, for commands that do not
	// log in.
	TokenOptional bool
}

// Loaded is a valid configuration and what else is worth knowing about it.
type Loaded struct {
	Config Config
	// Origins says where each setting's value came from, by variable.
	Origins map[string]Origin
	// Warnings are sentences for the log: what works, but probably not as
	// meant. They contain no secret.
	Warnings []string

	texts map[string]Secret // what was read, by variable
}

// Load reads all settings. Its error is an [*Error] with everything that is
// wrong; it contains no secret.
func Load(from Sources) (*Loaded, error) {
	dotenv, problems, warnings := values{}, []Problem(nil), []string(nil)
	if from.Dotenv != "" {
		dotenv, problems, warnings = readDotenv(from.Dotenv, from.DotenvRequired)
	}
	broken := len(problems) > 0
	environ := fromEnviron(from.Environ)
	merged := merge(fromFlags(from.Flags), credential(environ), lowerCaseProxies(dotenv))

	l := &Loaded{Origins: make(map[string]Origin, len(merged))}
	l.texts = make(map[string]Secret, len(merged))
	for name, v := range merged {
		l.Origins[name], l.texts[name] = v.origin, NewSecret(v.text)
	}
	problems = append(problems, l.parse(merged)...)
	slipped := misspelled(dotenv, environ)
	l.Warnings = append(append(warnings, slipped...), l.settingWarnings()...)

	var missing *MissingTokenError
	if l.Config.Token.Empty() && !from.TokenOptional && !broken && !concerns(problems, "DISCORD_TOKEN", "DISCORD_TOKEN_FILE") {
		missing = &MissingTokenError{Hints: tokenHints(slipped)}
	}
	if len(problems) > 0 || missing != nil {
		return nil, &Error{Problems: problems, Missing: missing}
	}
	return l, nil
}

// Defaults returns the configuration without any setting and without a token.
func Defaults() Config {
	l, err := Load(Sources{TokenOptional: true})
	if err != nil {
		panic("config: the defaults are wrong: " + err.Error())
	}
	return l.Config
}

// Against is [Defaults] for a bot of another Discord than the real one, such as the
// simulator: what the real one's status page says is not about that.
func Against(apiURL, token string) Config {
	c := Defaults()
	c.APIURL, c.Token, c.DiscordStatusURL = apiURL, NewSecret(token), ""
	return c
}

// parse fills Config and returns what is wrong, in the order of the table.
func (l *Loaded) parse(merged values) []Problem {
	wrong := map[string]string{}
	texts := make(map[string]string, len(merged))
	for name, v := range merged {
		if !utf8.ValidString(v.text) || strings.ContainsRune(v.text, 0) {
			wrong[name] = "it contains bytes that are not text"
			continue
		}
		if s, _ := find(name); s.Place {
			if why := checkVisible(strings.TrimSpace(v.text)); why != "" {
				wrong[name] = why
				continue
			}
		}
		texts[name] = v.text
	}
	err := env.ParseWithOptions(&l.Config, env.Options{Environment: texts, FuncMap: parsers})
	for name, why := range parseErrors(err) {
		wrong[name] = why
	}
	l.finish(merged, wrong)

	var problems []Problem
	for _, s := range table {
		v := merged[s.Name]
		why := wrong[s.Name]
		if why == "" && s.check != nil {
			why = s.check(&l.Config)
		}
		if why == "" {
			continue
		}
		p := Problem{Name: s.Name, Origin: v.origin, Value: v.text, Why: why, Allowed: s.Allowed}
		if s.Secret {
			p.Value = ""
		}
		problems = append(problems, p)
	}
	return problems
}

// parseErrors turns the library's error into reasons by variable.
func parseErrors(err error) map[string]string {
	out := map[string]string{}
	all, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return out
	}
	for _, each := range all.Errors {
		parse, ok := errors.AsType[env.ParseError](each)
		if !ok {
			continue
		}
		if field, found := reflect.TypeFor[Config]().FieldByName(parse.Name); found {
			out[field.Tag.Get("env")] = parse.Err.Error()
		}
	}
	return out
}

// finish does what needs more than parsing: the token, the addresses, a 0 that
// means [Never] and the words that mean "no file". It adds to wrong.
func (l *Loaded) finish(merged values, wrong map[string]string) {
	c := &l.Config
	for _, d := range []*time.Duration{&c.SilenceProbe, &c.CommandCooldown, &c.ActivityWarningAfter, &c.OfflineWarningAfter, &c.AlertRemindEvery} {
		if *d == 0 {
			*d = Never
		}
	}
	var err error
	if wrong["DISCORD_API_URL"] == "" {
		if c.APIURL, err = cleanURL(c.APIURL); err != nil {
			wrong["DISCORD_API_URL"] = err.Error()
		}
	}
	c.APIAddr = strings.TrimSpace(c.APIAddr)
	c.APIRequired = c.APIRequired && merged["API_ADDR"].origin.Source != SourceDefault
	if wrong["API_ADDR"] == "" {
		if err := checkAddr(c.APIAddr); err != nil {
			wrong["API_ADDR"] = err.Error()
		}
	}
	if wrong["DISCORD_STATUS_URL"] == "" {
		if c.DiscordStatusURL, err = cleanStatusURL(c.DiscordStatusURL); err != nil {
			wrong["DISCORD_STATUS_URL"] = err.Error()
		}
		if merged["DISCORD_STATUS_URL"].origin.Source == SourceDefault && !OfDiscord(c.APIURL) {
			c.DiscordStatusURL = "" // a simulator's trouble does not stand on Discord's page
		}
	}
	c.AlertSMTPAddr, c.AlertSMTPUser = strings.TrimSpace(c.AlertSMTPAddr), strings.TrimSpace(c.AlertSMTPUser)
	c.AlertRunbookURL = strings.TrimSpace(c.AlertRunbookURL)
	c.CommandPrefix = strings.TrimSpace(c.CommandPrefix)
	c.LogFile = strings.TrimSpace(c.LogFile)
	if c.LogFile == "-" || strings.EqualFold(c.LogFile, "none") {
		c.LogFile = ""
	}
	c.ProxyAddr, c.ProxyURL = strings.TrimSpace(c.ProxyAddr), strings.TrimSuffix(strings.TrimSpace(c.ProxyURL), "/")
	for name, path := range map[string]*string{
		"EVERGREEN_STATE_DIR": &c.StateDir, "LOG_FILE": &c.LogFile, "DISCORD_TOKEN_FILE": &c.TokenFile,
		"PROXY_TLS_CERT": &c.ProxyTLSCert, "PROXY_TLS_KEY": &c.ProxyTLSKey,
	} {
		if wrong[name] != "" {
			continue
		}
		if *path, err = CleanPath(*path); err != nil {
			wrong[name] = err.Error()
		}
	}

	// The token and its file are one setting with two names: the better
	// source wins, and two of the same source contradict each other.
	token, file := merged["DISCORD_TOKEN"], merged["DISCORD_TOKEN_FILE"]
	cleaned := cleanToken(c.Token.Reveal())
	c.Token = Secret{}
	switch {
	case wrong["DISCORD_TOKEN_FILE"] != "":
	case cleaned != "" && c.TokenFile != "" && token.origin.Source == file.origin.Source:
		wrong["DISCORD_TOKEN_FILE"] = "DISCORD_TOKEN is set too, in the same place; remove one of them"
	case cleaned != "" && (c.TokenFile == "" || token.origin.Source < file.origin.Source):
		c.TokenFile = ""
		if err := checkToken(cleaned); err != nil {
			wrong["DISCORD_TOKEN"] = err.Error()
			return
		}
		c.Token = NewSecret(cleaned)
	case c.TokenFile != "":
		text, err := readToken(c.TokenFile)
		if err != nil {
			wrong["DISCORD_TOKEN_FILE"] = err.Error()
			return
		}
		c.Token = NewSecret(text)
	}
}

// settingWarnings are warnings about values that are allowed.
func (l *Loaded) settingWarnings() (warnings []string) {
	c := l.Config
	warn := func(name, why string) {
		if why != "" {
			warnings = append(warnings, fmt.Sprintf("%s (%s): %s", name, l.Origins[name], why))
		}
	}
	from := "DISCORD_TOKEN"
	if c.TokenFile != "" {
		from = "DISCORD_TOKEN_FILE"
	}
	warn(from, warnToken(c.Token.Reveal()))
	warn(from, l.exposure())
	warn("DISCORD_ACTIVITY", warnActivity(c.Activity))
	warn("EVERGREEN_STATE_DIR", warnPath(c.StateDir))
	warn("LOG_FILE", warnPath(c.LogFile))
	if u, err := url.Parse(c.APIURL); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
		warn("DISCORD_API_URL", "the token travels unencrypted to "+u.Host)
	}
	if l.Origins["API_REQUIRED"].Source != SourceDefault && l.Origins["API_ADDR"].Source == SourceDefault {
		warn("API_REQUIRED", "API_ADDR is not set, so it changes nothing")
	}
	if c.Status == gateway.StatusInvisible {
		warn("DISCORD_STATUS", "the dot will be grey although the bot is online")
	}
	switch n := utf8.RuneCountInString(c.APIToken.Reveal()); {
	case c.APIOpen():
		warn("API_ADDR", "other machines can reach this address, so without API_TOKEN run --api refuses to listen there")
	case n > 0 && n < 16:
		warn("API_TOKEN", "it is short; 16 characters or more are hard to guess")
	}
	return warnings
}

// concerns reports whether one of the problems is about one of the names.
func concerns(problems []Problem, names ...string) bool {
	for _, p := range problems {
		for _, name := range names {
			if p.Name == name {
				return true
			}
		}
	}
	return false
}

// tokenHints picks the warnings that point at the token.
func tokenHints(warnings []string) (out []string) {
	for _, w := range warnings {
		if strings.HasSuffix(w, "did you mean DISCORD_TOKEN?") {
			out = append(out, w)
		}
	}
	return out
}

// Load reads the settings with these flags, the process environment and the
// .env file they name.
func (f *Flags) Load() (*Loaded, error) {
	return Load(f.Sources(os.Environ()))
}

// Sources is what [Flags.Load] passes to [Load].
func (f *Flags) Sources(environ []string) Sources {
	s := Sources{Flags: f.given(), Environ: environ, Dotenv: ".env"}
	if f.EnvFile != "" {
		s.Dotenv, s.DotenvRequired = f.EnvFile, true
		if path, err := CleanPath(f.EnvFile); err == nil {
			s.Dotenv = path
		}
	}
	return s
}

// given returns the flags that were set, by variable.
func (f *Flags) given() map[string]string {
	out := map[string]string{}
	v := reflect.ValueOf(f).Elem()
	for i := range v.NumField() {
		name, field := v.Type().Field(i).Tag.Get("setting"), v.Field(i)
		if name == "" || field.IsNil() {
			continue
		}
		out[name] = fmt.Sprint(field.Elem().Interface())
	}
	return out
}

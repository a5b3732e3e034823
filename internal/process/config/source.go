package config

import (
	"fmt"
	"strings"
)

// Source is one of the places a value can come from. A smaller one wins.
type Source int

// The places, from the one that wins to the one that never does.
const (
	SourceFlag Source = iota
	SourceEnvironment
	SourceDotenv
	SourceDefault
)

// Origin is where a value came from, precisely enough to go and change it.
type Origin struct {
	Source Source
	// Flag is the flag's name, for SourceFlag.
	Flag string
	// File and Line are the place in a .env file, for SourceDotenv. Line 0
	// means the file as a whole.
	File string
	Line int
}

// String names the place: "flag --status", "environment", ".env line 4" or
// "default".
func (o Origin) String() string {
	switch o.Source {
	case SourceFlag:
		return "flag --" + o.Flag
	case SourceEnvironment:
		return "environment"
	case SourceDotenv:
		if o.Line == 0 {
			return o.File
		}
		return fmt.Sprintf("%s line %d", o.File, o.Line)
	}
	return "default"
}

// value is a text and where it came from.
type value struct {
	text   string
	origin Origin
}

// values maps variables to what a source says about them.
type values map[string]value

// fromFlags takes the flags that were given, by variable.
func fromFlags(given map[string]string) values {
	out := make(values, len(given))
	for name, text := range given {
		s, _ := find(name)
		out[name] = value{text: text, origin: Origin{Source: SourceFlag, Flag: s.FlagName()}}
	}
	return out
}

// fromEnviron takes the environment in the form of os.Environ.
func fromEnviron(environ []string) values {
	out := make(values, len(environ))
	for _, pair := range environ {
		name, text, found := strings.Cut(pair, "=")
		if found && name != "" {
			out[name] = value{text: unquote(text), origin: Origin{Source: SourceEnvironment}}
		}
	}
	return lowerCaseProxies(out)
}

// lowerCaseProxies takes proxies up whose variables are written in small letters, as many
// tools do; capitals win.
func lowerCaseProxies(all values) values {
	for _, s := range table {
		if s.Group != groupNetwork {
			continue
		}
		if v, set := all[strings.ToLower(s.Name)]; set && strings.TrimSpace(all[s.Name].text) == "" {
			all[s.Name] = v
		}
	}
	return all
}

// unquote removes the pair of quotes that some container tools leave around
// values of their environment files.
func unquote(text string) string {
	if n := len(text); n >= 2 && text[0] == text[n-1] && (text[0] == '"' || text[0] == '\'') {
		return text[1 : n-1]
	}
	return text
}

// merge chooses for every setting the value of the first source that has one.
// Settings that are not set get their default.
func merge(sources ...values) values {
	out := make(values, len(table))
	for _, s := range table {
		chosen := value{text: s.Default, origin: Origin{Source: SourceDefault}}
		for _, source := range sources {
			v, set := source[s.Name]
			if set && (s.Blank || strings.TrimSpace(v.text) != "") {
				chosen = v
				break
			}
		}
		out[s.Name] = chosen
	}
	return out
}

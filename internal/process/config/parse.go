package config

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"evergreen/fleet"
	"evergreen/gateway"

	"github.com/caarlos0/env/v11"
	"github.com/disgoorg/snowflake/v2"
)

// Level is a log level; it satisfies slog.Leveler.
type Level slog.Level

// Level returns the level as slog knows it.
func (l Level) Level() slog.Level { return slog.Level(l) }

// LogFormat says how log lines are written.
type LogFormat string

// The two formats.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// parsers turn text into the types of [Config]. Their errors say what is wrong
// and never repeat the value, which may be a secret.
var parsers = map[reflect.Type]env.ParserFunc{
	reflect.TypeFor[bool]():                parser(parseBool),
	reflect.TypeFor[int]():                 parser(parseInt),
	reflect.TypeFor[int64]():               parser(parseReadLimit),
	reflect.TypeFor[time.Duration]():       parser(parseDuration),
	reflect.TypeFor[Secret]():              parser(parseSecret),
	reflect.TypeFor[Proxy]():               parser(parseProxy),
	reflect.TypeFor[Activity]():            parser(ParseActivity),
	reflect.TypeFor[Level]():               parser(oneOf(levels)),
	reflect.TypeFor[LogFormat]():           parser(oneOf(formats)),
	reflect.TypeFor[gateway.Status]():      parser(oneOf(statuses)),
	reflect.TypeFor[gateway.Compression](): parser(oneOf(compressions)),
	reflect.TypeFor[gateway.Intents]():     parser(parsePrivileged),
	reflect.TypeFor[BotIntents]():          parser(parseBotIntents),
	reflect.TypeFor[InteractionsMode]():    parser(oneOf(interactionsModes)),
	reflect.TypeFor[Size]():                parser(func(text string) (Size, error) { n, err := parseSize(text); return Size(n), err }),
	reflect.TypeFor[fleet.Assignment]():    parser(fleet.ParseAssignment),
	reflect.TypeFor[[]snowflake.ID]():      parser(parseIDs),
	reflect.TypeFor[Addresses]():           parser(parseAddresses),
}

// parser makes a typed function fit.
func parser[T any](parse func(string) (T, error)) env.ParserFunc {
	return func(text string) (any, error) { return parse(text) }
}

var (
	levels = map[string]Level{
		"debug": Level(slog.LevelDebug), "info": Level(slog.LevelInfo), "warning": Level(slog.LevelWarn),
		"warn": Level(slog.LevelWarn), "error": Level(slog.LevelError),
	}
	formats  = map[string]LogFormat{"text": LogText, "json": LogJSON}
	statuses = map[string]gateway.Status{
		"online": gateway.StatusOnline, "idle": gateway.StatusIdle,
		"dnd": gateway.StatusDND, "invisible": gateway.StatusInvisible,
	}
	compressions = map[string]gateway.Compression{
		"zlib-stream": gateway.CompressZlib, "zstd-stream": gateway.CompressZstd, "none": gateway.CompressNone,
	}
	booleans = map[string]bool{
		"true": true, "yes": true, "on": true, "1": true,
		"false": false, "no": false, "off": false, "0": false,
	}
)

// oneOf reads one of some words, in any case.
func oneOf[T any](words map[string]T) func(string) (T, error) {
	return func(text string) (T, error) {
		value, known := words[strings.ToLower(strings.TrimSpace(text))]
		if !known {
			return value, errors.New("unknown word")
		}
		return value, nil
	}
}

func parseBool(text string) (bool, error) {
	value, err := oneOf(booleans)(text)
	if err != nil {
		return false, errors.New("neither yes nor no")
	}
	return value, nil
}

func parseInt(text string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, errors.New("the number is too large")
	case err != nil:
		return 0, errors.New("not a whole number")
	}
	return n, nil
}

// parseDuration reads plain seconds ("60", "0.5") or a Go duration ("5m").
func parseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	seconds, err := strconv.ParseFloat(text, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, errors.New("the number is too large")
	case err != nil:
		d, err := time.ParseDuration(text)
		if err != nil {
			return 0, errors.New("neither seconds nor a duration")
		}
		if d < 0 {
			return 0, errors.New("it is negative")
		}
		return d, nil
	case math.IsNaN(seconds):
		return 0, errors.New("not a number")
	case math.IsInf(seconds, 0):
		return 0, errors.New("it is infinite")
	case seconds < 0:
		return 0, errors.New("it is negative")
	case seconds >= math.MaxInt64/1e9:
		return 0, errors.New("the number is too large")
	}
	return time.Duration(math.Round(seconds * 1e9)), nil
}

// sizeUnits are the endings of a size. As almost everywhere, MB and MiB mean
// the same to people, so they do here.
var sizeUnits = []struct {
	ending string
	bytes  float64
}{
	{"kib", 1 << 10},
	{"mib", 1 << 20},
	{"gib", 1 << 30},
	{"kb", 1 << 10},
	{"mb", 1 << 20},
	{"gb", 1 << 30},
	{"k", 1 << 10},
	{"m", 1 << 20},
	{"g", 1 << 30},
	{"b", 1},
	{"", 1},
}

// parseReadLimit reads "auto" or a size.
func parseReadLimit(text string) (int64, error) {
	if strings.EqualFold(strings.TrimSpace(text), "auto") {
		return ReadLimitAuto, nil
	}
	return parseSize(text)
}

// parseSize reads a number of bytes with an optional unit.
func parseSize(text string) (int64, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	for _, unit := range sizeUnits {
		number, found := strings.CutSuffix(text, unit.ending)
		if !found {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		switch bytes := n * unit.bytes; {
		case errors.Is(err, strconv.ErrRange):
			return 0, errors.New("the number is too large")
		case err != nil || math.IsNaN(n) || math.IsInf(n, 0):
			return 0, errors.New("not a size")
		case bytes < 0:
			return 0, errors.New("it is negative")
		case bytes >= math.MaxInt64:
			return 0, errors.New("the number is too large")
		default:
			return int64(bytes), nil
		}
	}
	return 0, errors.New("not a size")
}

func parseSecret(text string) (Secret, error) { return NewSecret(strings.TrimSpace(text)), nil }

func parseProxy(text string) (Proxy, error) { return NewProxy(text), nil }

// parsePrivileged reads a list of privileged intents, by name.
func parsePrivileged(text string) (gateway.Intents, error) {
	var set gateway.Intents
	for name := range fields(text) {
		bit := intent(name) & gateway.IntentsPrivileged
		if bit == 0 {
			return 0, fmt.Errorf("%s is not a privileged intent", quoteValue(name))
		}
		set |= bit
	}
	return set, nil
}

// parseIDs reads a list of user ids.
func parseIDs(text string) ([]snowflake.ID, error) {
	var ids []snowflake.ID
	for word := range fields(text) {
		n, err := strconv.ParseUint(word, 10, 64)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("%s is not a user id (switch on Developer Mode in Discord, right-click the user, Copy User ID)", quoteValue(word))
		}
		ids = append(ids, snowflake.ID(n))
	}
	return ids, nil
}

// fields yields the parts of a list, which may be separated by commas or space.
func fields(text string) func(yield func(string) bool) {
	return strings.FieldsFuncSeq(text, func(r rune) bool {
		return r == ',' || r == ';' || r == ' ' || r == '\t' || r == '\n' || r == '\r'
	})
}

// parseHTTPAddress reads an http or https address with a host and without a login.
func parseHTTPAddress(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil:
		return nil, errors.New("not an address")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the address must start with https:// or http://")
	case u.Hostname() == "":
		return nil, errors.New("the address has no host")
	case u.User != nil:
		return nil, errors.New("an address with a user name or password in it would end up in logs")
	}
	return u, nil
}

// cleanURL checks a REST base address and returns it without a final slash.
func cleanURL(text string) (string, error) {
	u, err := parseHTTPAddress(text)
	switch {
	case err != nil:
		return "", err
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", errors.New("the address must end with its path")
	}
	if port := u.Port(); port != "" {
		if err := checkPort(port); err != nil {
			return "", err
		}
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	if u.Path == "" {
		u.Path = "/api/v10"
	}
	if last := u.Path[strings.LastIndexByte(u.Path, '/')+1:]; apiVersion(last) && last != "v10" {
		return "", fmt.Errorf("this program speaks version 10 of the API, not %s", last)
	}
	return u.String(), nil
}

// apiVersion reports whether a path element is a "v" and a number.
func apiVersion(text string) bool {
	number, found := strings.CutPrefix(text, "v")
	_, err := strconv.ParseUint(number, 10, 16)
	return found && err == nil
}

// checkAddr checks a listening address.
func checkAddr(text string) error {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return errors.New("not a host and a port with a colon between")
	}
	if strings.ContainsFunc(host, unicode.IsSpace) {
		return errors.New("the host contains a space")
	}
	return checkPort(port)
}

func checkPort(port string) error {
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return errors.New("the port must be a number from 0 to 65535")
	}
	return nil
}

package config

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

const proxyAllowed = "http://host:port, https://host:port or socks5://host:port, with user:password@ before the host if it wants a login"

// proxySchemes are what a proxy may be spoken to with.
var proxySchemes = map[string]bool{"http": true, "https": true, "socks5": true, "socks5h": true}

// checkProxy checks the address of a proxy.
func checkProxy(get func(*Config) Proxy) func(*Config) string {
	return func(c *Config) string {
		text := get(c).Reveal()
		if text == "" {
			return ""
		}
		if !strings.Contains(text, "://") {
			text = "http://" + text
		}
		u, err := url.Parse(text)
		switch {
		case err != nil:
			return "it is not an address; an @, / or % in a password is written as %40, %2F or %25"
		case !proxySchemes[u.Scheme]:
			return "proxies are not spoken to that way"
		case u.Hostname() == "":
			return "it names no host"
		}
		return ""
	}
}

// Proxy is the address of a proxy. Its login is a secret: fmt, log/slog and the encoders
// show the address with [redacted] in its place. The zero Proxy is empty.
type Proxy struct{ address Secret }

// NewProxy wraps an address.
func NewProxy(address string) Proxy { return Proxy{NewSecret(strings.TrimSpace(address))} }

// Reveal returns the address with its login. The caller must not print it.
func (p Proxy) Reveal() string { return p.address.Reveal() }

// Empty reports whether there is no proxy.
func (p Proxy) Empty() bool { return p.address.Empty() }

// String is the address without its login.
func (p Proxy) String() string { return WithoutLogin(p.Reveal()) }

// GoString prints what String prints.
func (p Proxy) GoString() string { return p.String() }

// Format prints what String prints, whatever the verb.
func (p Proxy) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

// MarshalText writes what String prints.
func (p Proxy) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// LogValue logs what String prints.
func (p Proxy) LogValue() slog.Value { return slog.StringValue(p.String()) }

// secrets are the login as it stands there, as it is sent, and the password of both.
func (p Proxy) secrets() (all []string) {
	_, login, _, found := cutLogin(p.Reveal())
	if !found {
		return nil
	}
	add := func(login string) {
		all = append(all, login)
		if _, password, found := strings.Cut(login, ":"); found {
			all = append(all, password)
		}
	}
	add(login)
	if decoded, err := url.PathUnescape(login); err == nil && decoded != login {
		add(decoded)
	}
	return all
}

// WithoutLogin returns an address with [redacted] in the place of the login in it, if
// there is one.
func WithoutLogin(address string) string {
	before, _, after, found := cutLogin(address)
	if !found {
		return address
	}
	return before + redacted + "@" + after
}

// cutLogin cuts an address around its login. That ends at the last @, so a password may
// have one in it, and whatever else no address should have.
func cutLogin(address string) (before, login, after string, found bool) {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return address, "", "", false
	}
	from := 0
	if slashes := strings.Index(address[:at], "://"); slashes >= 0 {
		from = slashes + len("://")
	}
	return address[:from], address[from:at], address[at+1:], true
}

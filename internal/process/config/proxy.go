package config

import (
	"net/url"
	"strings"
)

const proxyAllowed = "http://host:port, https://host:port or socks5://host:port, with user:password@ before the host if it wants a login"

// proxySchemes are what a proxy may be spoken to with.
var proxySchemes = map[string]bool{"http": true, "https": true, "socks5": true, "socks5h": true}

// checkProxy checks the address of a proxy.
func checkProxy(get func(*Config) Secret) func(*Config) string {
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

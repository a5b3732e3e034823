package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"evergreen/gateway"
)

// Size is a number of bytes.
type Size int64

// BotIntents are the intents of a bot behind the proxy.
type BotIntents gateway.Intents

// InteractionsMode is what becomes of interactions that no bot takes.
type InteractionsMode string

var interactionsModes = map[string]InteractionsMode{"tell": "tell", "keep": "keep"}

// parseBotIntents reads a list of intents by name, or their number.
func parseBotIntents(text string) (BotIntents, error) {
	if n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64); err == nil {
		if unknown := gateway.Intents(n).Unknown(); unknown != 0 {
			return 0, fmt.Errorf("there are no intents for the bits %d of it", uint64(unknown))
		}
		return BotIntents(n), nil
	}
	var set gateway.Intents
	for name := range fields(text) {
		found := intent(name)
		if found == 0 {
			return 0, fmt.Errorf("%s is not an intent", quoteValue(name))
		}
		set |= found
	}
	return BotIntents(set), nil
}

// intent finds an intent by its name in the documentation.
func intent(name string) gateway.Intents {
	name = strings.ReplaceAll(strings.ToUpper(name), "-", "_")
	for one := range (^gateway.Intents(0)).Each() {
		if one.String() == name {
			return one
		}
	}
	return 0
}

// ProxyLoopback reports whether only this machine can reach ProxyAddr.
func (c Config) ProxyLoopback() bool {
	host, _, err := net.SplitHostPort(c.ProxyAddr)
	return err == nil && loopback(host)
}

// checkProxyAddr refuses an address that others can reach while nothing would keep them
// out, or anybody could read along.
func checkProxyAddr(c *Config) string {
	if err := checkAddr(c.ProxyAddr); err != nil {
		return err.Error()
	}
	switch {
	case c.ProxyLoopback():
	case c.ProxyToken.Empty():
		return "other machines can reach it, so PROXY_TOKEN must be set: else bots would send the real token"
	case c.ProxyTLSCert == "":
		return "other machines can reach it, so PROXY_TLS_CERT and PROXY_TLS_KEY must be set: else others could read along"
	}
	return ""
}

// checkProxyToken refuses a token that could be guessed.
func checkProxyToken(c *Config) string {
	switch token := c.ProxyToken.Reveal(); {
	case token == "":
	case utf8.RuneCountInString(token) < 32:
		return "it is shorter than 32 characters"
	case strings.ContainsFunc(token, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return "it contains a space or a control character"
	case token == c.Token.Reveal():
		return "it is the real token, which bots may present without it"
	}
	return ""
}

// checkProxyURL accepts what a library can connect to.
func checkProxyURL(c *Config) string {
	if c.ProxyURL == "" {
		return ""
	}
	if err := wsURL(c.ProxyURL); err != nil {
		return err.Error()
	}
	return ""
}

// wsURL says why an address is not that of a WebSocket server without a path.
func wsURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "ws" && u.Scheme != "wss":
		return errors.New("it is not an address that begins with ws:// or wss://")
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return errors.New("it has more than a host and a port; libraries put their own path behind it")
	}
	return nil
}

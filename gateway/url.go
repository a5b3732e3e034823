package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"evergreen/internal/bounds"
)

// URLSource knows where the gateway is. An implementation asks
// GET /gateway/bot, caches the address and asks again when told that the cached
// one failed.
type URLSource interface {
	// GatewayURL returns the base gateway URL. failed is the base URL that could
	// not be connected to, or empty. An error that wraps [ErrUnauthorized]
	// parks the shard; any other is retried with backoff.
	GatewayURL(ctx context.Context, failed string) (string, error)
}

// FixedURL is a [URLSource] that always returns itself.
type FixedURL string

// GatewayURL returns the URL.
func (u FixedURL) GatewayURL(context.Context, string) (string, error) { return string(u), nil }

// connectURL adds the query that every connection carries (G-006, G-008) to an address
// from Discord. The address may have a path, a port, a query or none of them (G-007).
func connectURL(address string, c Compression) (string, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return "", fmt.Errorf("gateway address %q: %w", address, err)
	}
	switch u.Scheme {
	case "ws", "wss":
	case "http":
		u.Scheme = "ws"
	case "https":
		u.Scheme = "wss"
	default:
		return "", fmt.Errorf("gateway address %q: want a ws:// or wss:// URL", address)
	}
	if u.Host == "" {
		return "", fmt.Errorf("gateway address %q has no host", address)
	}
	if u.User != nil {
		return "", fmt.Errorf("gateway address %q has a login in it", u.Redacted())
	}
	if u.Path == "" {
		u.Path = "/"
	}
	q := u.Query()
	q.Set("v", "10")
	q.Set("encoding", "json")
	if c == CompressZlib || c == CompressZstd {
		q.Set("compress", string(c))
	} else {
		q.Del("compress")
	}
	u.RawQuery = q.Encode()
	u.Fragment = ""
	return u.String(), nil
}

// CheckAddress says why the token must not be sent to an address that an answer has
// named, such as resume_gateway_url; nil if it may. apiURL is the REST base or the
// gateway's address that the answer came from.
//
// An answer of Discord may name wss and hosts below discord.gg and discord.com. One from
// elsewhere may name any host, but no less encryption than apiURL has. No address may
// hold a login.
func CheckAddress(apiURL, address string) error {
	if len(address) > bounds.Address {
		return fmt.Errorf("it has %d bytes, and no address needs more than %d", len(address), bounds.Address)
	}
	api, err := url.Parse(apiURL)
	if err != nil {
		return fmt.Errorf("the address it is held against cannot be read: %w", err)
	}
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return errors.New("it is no address")
	}
	encrypted := u.Scheme == "wss" || u.Scheme == "https"
	discords := isDiscords(api.Hostname())
	switch {
	case !encrypted && u.Scheme != "ws" && u.Scheme != "http":
		return errors.New("it begins with neither wss:// nor ws://")
	case u.Hostname() == "":
		return errors.New("it has no host")
	case u.User != nil:
		return errors.New("it has a login in it")
	case discords && !isDiscords(u.Hostname()):
		return errors.New("its host is not one of Discord's: it does not lie below discord.gg or discord.com")
	case !encrypted && (discords || api.Scheme != "http" && api.Scheme != "ws"):
		return errors.New("it is not encrypted: it does not begin with wss://")
	}
	return nil
}

// isDiscords reports whether a host is one of Discord's.
func isDiscords(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	for _, domain := range []string{"discord.gg", "discord.com"} {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			return true
		}
	}
	return false
}

// checkAddress is CheckAddress for an address that this shard has been named.
func (s *Shard) checkAddress(address string) error {
	return CheckAddress(*s.apiURL.Load(), address)
}

// mayResumeAt reports whether the token may be sent to the session's resume URL. Where the
// base URL has to be known for that, it asks for it.
func (s *Shard) mayResumeAt(address string) bool {
	if s.checkAddress(address) == nil {
		return true
	}
	if s.opts.APIURL != "" || s.baseURL != "" {
		return false
	}
	_, _ = s.lookUpBaseURL() // if it is not learnt, the address stays refused
	return s.checkAddress(address) == nil
}

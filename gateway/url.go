package gateway

import (
	"context"
	"fmt"
	"net/url"
	"strings"
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

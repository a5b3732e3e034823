package alert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// NewClient makes an HTTP client for channels, with a transport and limits of
// its own, so that alerts do not wait behind the bot's requests. It follows no
// redirects: they could take a message anywhere. The caller closes its idle
// connections at the end.
func NewClient() *http.Client {
	dialer := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Client{
		Timeout: sendTimeout,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
			MaxIdleConns: 4, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 10 * time.Second,
			ResponseHeaderTimeout: sendTimeout, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// request is one HTTP request of a channel. Its address is a secret.
type request struct {
	method, address string
	header          map[string]string
	body            []byte
}

// do makes the request. Its errors do not contain the address.
func (r request) do(ctx context.Context, client *http.Client) error {
	q, err := http.NewRequestWithContext(ctx, r.method, r.address, bytes.NewReader(r.body))
	if err != nil {
		return &Refused{errors.New("the address cannot be used")}
	}
	for name, value := range r.header {
		if value != "" {
			q.Header.Set(name, value)
		}
	}
	q.Header.Set("User-Agent", "Evergreen")
	answer, err := client.Do(q)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	said := fmt.Errorf("it answered HTTP %d", answer.StatusCode)
	switch status := answer.StatusCode; {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return &retryLater{err: said, after: retryAfter(answer.Header.Get("Retry-After"))}
	case status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return said
	default:
		return &Refused{said}
	}
}

// retryAfter reads a Retry-After in seconds; 0 for anything else.
func retryAfter(text string) time.Duration {
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || seconds <= 0 || seconds > maxRetryAfter.Seconds() {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}

package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"syscall"
	"time"

	"evergreen/internal/text"
)

func roundTrip(d time.Duration) string {
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.1f ms", d.Seconds()*1000)
	}
	return fmt.Sprintf("%.0f ms", d.Seconds()*1000)
}

// longDuration formats hours and days, such as "3 h 12 min" or "5 days".
func longDuration(d time.Duration) string {
	if d >= 48*time.Hour {
		return text.Count(int(d.Hours()/24), "day")
	}
	return text.Duration(d.Round(time.Second))
}

// localTime formats a time in the zone of this machine and in UTC.
func localTime(t time.Time) string {
	return t.Local().Format("2006-01-02 15:04") + " (" + t.UTC().Format("15:04") + " UTC)"
}

// explain says what a network error means.
func explain(err error) string {
	if link, ok := errors.AsType[*url.Error](err); ok {
		err = link.Err
	}
	dns, resolving := errors.AsType[*net.DNSError](err)
	switch {
	case resolving && dns.IsNotFound:
		return "no such name"
	case resolving && dns.IsTimeout:
		return "no answer from the resolver in time"
	case resolving:
		return "the resolver failed: " + plain(dns.Err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ENETUNREACH):
		return "network is unreachable: there is no route"
	case errors.Is(err, syscall.EHOSTUNREACH):
		return "host is unreachable"
	case errors.Is(err, syscall.ECONNRESET):
		return "the connection was reset"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), timedOut(err):
		return "no answer in time"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "what answers does not speak TLS"
	}
	return plain(err.Error())
}

func timedOut(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}

// plain makes text from elsewhere one printable line of bounded length.
func plain(s string) string {
	return text.Clip(text.OneLine(s), 160)
}

// percentile returns the value below which the share of the samples lies.
func percentile(samples []time.Duration, share float64) time.Duration {
	if len(samples) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(samples))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

// sortedKeys returns the keys of a map in order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

package network

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"evergreen/internal/regular"
)

const (
	// fallbackAfter is how long the resolver may take while an earlier answer is
	// known.
	fallbackAfter = 2 * time.Second
	// maxAge is how old an answer may be to be used when the resolver fails.
	// Discord's addresses have stayed the same for years; TLS finds out if not.
	maxAge = 7 * 24 * time.Hour
	// rewriteAfter is how old an entry of the file may become before it is written
	// again, although its addresses are the same.
	rewriteAfter = time.Hour
	// maxNames bounds the names, and maxFile the size of the file in bytes.
	maxNames = 64
	maxFile  = 64 << 10
)

// entry is an answer of the resolver.
type entry struct {
	Addresses []netip.Addr `json:"addresses"`
	At        time.Time    `json:"at"`
}

// addressBook resolves names and keeps the last good answers for when the resolver
// fails.
type addressBook struct {
	resolver Resolver
	file     string
	log      *slog.Logger

	mu      sync.Mutex
	known   map[string]entry
	written map[string]entry // what the file holds
	failing map[string]bool  // names whose failure has been logged
	writing bool             // the file is being written

	background *sync.WaitGroup // of the Network
}

func newAddressBook(o Options, background *sync.WaitGroup) *addressBook {
	n := &addressBook{
		resolver: o.Resolver, file: o.File, log: o.Logger,
		known: map[string]entry{}, written: map[string]entry{}, failing: map[string]bool{}, background: background,
	}
	n.load()
	return n
}

// resolved is the result of one lookup.
type resolved struct {
	found []netip.Addr
	err   error
}

// lookup returns the addresses of a host: those of the resolver, or the last good
// ones if it fails or does not answer within fallbackAfter. It does not wait for a
// resolver that is late: that lookup is cancelled, and Close waits for it.
func (n *addressBook) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan resolved, 1)
	n.background.Go(func() {
		found, err := n.resolver.LookupNetIP(ctx, "ip", host)
		if err == nil && len(found) == 0 {
			err = errors.New("the answer is empty")
		}
		answers <- resolved{found, err}
	})
	timer := time.NewTimer(fallbackAfter)
	defer timer.Stop()
	late := timer.C
	for {
		select {
		case a := <-answers:
			if a.err == nil {
				n.remember(host, a.found)
				return a.found, nil
			}
			if found, ok := n.lastGood(host, a.err); ok {
				return found, nil
			}
			return nil, dnsError(host, a.err)
		case <-late:
			if found, ok := n.lastGood(host, errors.New("no answer yet")); ok {
				return found, nil
			}
			late = nil
		case <-ctx.Done():
			return nil, dnsError(host, ctx.Err())
		}
	}
}

// dnsError returns the error of a resolver as a [*net.DNSError].
func dnsError(host string, err error) error {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return err
	}
	return &net.DNSError{Err: err.Error(), Name: host, IsTimeout: errors.Is(err, context.DeadlineExceeded), UnwrapErr: err}
}

// remember keeps a good answer.
func (n *addressBook) remember(host string, found []netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, old := n.known[host]; !old && len(n.known) >= maxNames {
		return
	}
	n.known[host] = entry{Addresses: slices.Clone(found), At: time.Now()} // the file keeps no monotonic reading, memory does
	if n.failing[host] {
		delete(n.failing, host)
		n.log.Info("The resolver works again", "host", host)
	}
	n.save(host)
}

// lastGood returns the last good answer for a name, if it is not too old, and logs
// that once.
func (n *addressBook) lastGood(host string, why error) ([]netip.Addr, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	last, ok := n.known[host]
	age := max(0, time.Since(last.At)) // one from the future is of a clock that was set back
	if !ok || age > maxAge {
		return nil, false
	}
	if !n.failing[host] {
		n.failing[host] = true
		n.log.Warn("The resolver fails, not Discord: earlier addresses are used until it works again",
			"host", host, "age", age.Round(time.Second), "error", why)
	}
	return slices.Clone(last.Addresses), true
}

// load reads the file. A file that is missing, damaged or too large counts as empty;
// what is no regular file at all is not read.
func (n *addressBook) load() {
	if n.file == "" {
		return
	}
	text, whole, err := regular.Read(n.file, maxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err == nil && !whole:
		err = fmt.Errorf("it is larger than %d KiB", maxFile>>10)
	case err == nil:
		err = json.Unmarshal(text, &n.written)
	}
	if err != nil || n.written == nil {
		n.written = map[string]entry{}
		n.log.Warn("The addresses of the last run cannot be read and are skipped", "file", n.file, "error", err)
	}
	for host, g := range n.written {
		if len(n.known) < maxNames && len(g.Addresses) > 0 && !slices.ContainsFunc(g.Addresses, func(a netip.Addr) bool { return !a.IsValid() }) {
			n.known[host] = g
		}
	}
}

// save writes the file in the background if there is something new about the name.
// The caller holds mu.
func (n *addressBook) save(host string) {
	old, now := n.written[host], n.known[host]
	if n.file == "" || n.writing || now.At.Sub(old.At).Abs() < rewriteAfter && same(old.Addresses, now.Addresses) {
		return
	}
	n.written[host] = now // also if it fails: the next try is in an hour
	text, err := json.Marshal(n.known)
	if err != nil {
		return // addresses and times always fit
	}
	n.writing = true
	n.background.Go(func() {
		if err := replace(n.file, text); err != nil {
			n.log.Debug("The addresses cannot be kept for the next run", "error", err)
		}
		n.mu.Lock()
		n.writing = false
		n.mu.Unlock()
	})
}

// replace writes a file in one step, so that it is never read half written. On a
// volume that renames nothing it is written as it is: half a file counts as none.
func replace(path string, text []byte) error {
	aside := path + ".new"
	if err := regular.Write(aside, text, 0o600); err != nil {
		return err
	}
	if os.Rename(aside, path) == nil {
		return nil
	}
	return errors.Join(os.Remove(aside), regular.Write(path, text, 0o600))
}

// same reports whether two lists hold the same addresses, in any order.
func same(a, b []netip.Addr) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.SortFunc(a, netip.Addr.Compare)
	slices.SortFunc(b, netip.Addr.Compare)
	return slices.Equal(a, b)
}

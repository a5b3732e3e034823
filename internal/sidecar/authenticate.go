package sidecar

import (
	"time"

	"evergreen/internal/sidecar/line"
)

// An address may present wrongTokens wrong tokens within wrongTokensIn. Each further one is
// refused wrongTokenDelay later. A right token never waits.
const (
	wrongTokens     = 5
	wrongTokensIn   = time.Minute
	wrongTokenDelay = time.Second
	// maxGuessers bounds the addresses that are known. With more, all that are not wait.
	maxGuessers = 1000
)

// guesses are the wrong tokens of one address.
type guesses struct {
	since time.Time // of the first of them
	count int
}

// authenticate compares what a client presents with the token, or what stands in for it.
// The error closes a line with 4004. It may take a second, unless the client is gone.
func (s *Sidecar) authenticate(gone <-chan struct{}, presented, from string) error {
	if isToken(presented, s.opts.Token()) || s.opts.StandIn != "" && isToken(presented, s.opts.StandIn) {
		return nil
	}
	s.mu.Lock()
	s.counts.WrongTokens++
	delay := s.countGuess(hostName(from), time.Now())
	s.mu.Unlock()
	s.logRefusal(&s.refusals.token, "A bot with another token was refused", "from", from, "application", applicationOf(presented),
		"do", "Give the bot the token of Evergreen's DISCORD_TOKEN (or PROXY_TOKEN), or run another Evergreen for it.")
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-gone:
	}
	return errWrongToken
}

var errWrongToken = &line.CloseError{Code: line.CloseAuthenticationFailed, Reason: "Authentication failed."}

// countGuess counts a wrong token of an address and returns how long its answer waits. The
// caller holds the lock.
func (s *Sidecar) countGuess(address string, now time.Time) time.Duration {
	of, known := s.guesses[address]
	if !known && len(s.guesses) >= maxGuessers {
		return wrongTokenDelay
	}
	if of.isOld(now) {
		of = guesses{since: now}
	}
	of.count++
	s.guesses[address] = of
	if of.count <= wrongTokens {
		return 0
	}
	return wrongTokenDelay
}

func (g guesses) isOld(now time.Time) bool { return now.Sub(g.since) >= wrongTokensIn }

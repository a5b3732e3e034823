package sidecar

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"evergreen/internal/sidecar/backlog"
)

// An interaction can be answered for interactionLife (G-132). tellAfter leaves the bot the
// time to come back with a RESUME, and Discord the time to take the answer. unreadAfter is
// for one that a line has been given: a bot that hangs, or was killed, has not read it by
// then.
const (
	interactionLife = 3 * time.Second

	tellAfter    = 1800 * time.Millisecond
	unreadAfter  = 2200 * time.Millisecond
	tellDeadline = 5 * time.Second
	tellAtOnce   = 32
)

// pendingInteraction is an interaction that may have to be answered for the bot.
type pendingInteraction struct {
	position int64
	guild    uint64
	received time.Time
	id       snowflake
	token    string
	kind     int
	locale   string
}

// Types of interactions, and of the answers to them.
const (
	interactionAutocomplete = 4
	answerMessage           = 4
	answerChoices           = 8
	flagEphemeral           = 1 << 6
)

// onInteraction notes an interaction, so that it is answered if no line takes it. The
// caller holds the lock.
func (s *Sidecar) onInteraction(position int64, r backlog.Record) {
	var d struct {
		ID     snowflake `json:"id"`
		Token  string    `json:"token"`
		Type   int       `json:"type"`
		Locale string    `json:"locale"`
	}
	if s.opts.Interactions != Tell || json.Unmarshal(r.Data, &d) != nil || d.ID == 0 || d.Token == "" {
		return
	}
	s.pending = append(s.pending, pendingInteraction{position, r.Guild, r.Received, d.ID, d.Token, d.Type, d.Locale})
	select {
	case s.interaction <- struct{}{}:
	default:
	}
}

// restoreInteractions notes the interactions that an earlier process has kept and no bot has
// taken. It takes out those that can no longer be answered, or were answered by that process.
func (s *Sidecar) restoreInteractions(now time.Time) {
	if s.opts.Interactions != Tell {
		return
	}
	from := s.backlog.Next()
	for _, c := range s.consumers {
		from = min(from, c.cursor)
	}
	for at := from; at < s.backlog.Next(); at++ {
		r, ok := s.backlog.At(at)
		switch {
		case !ok || r.Type != "INTERACTION_CREATE" || r.Removed:
		case now.Sub(r.Received) >= interactionLife:
			s.remove(at)
		default:
			s.onInteraction(at, r)
		}
	}
}

// oldestInteraction returns when the oldest interaction of a consumer came that it has not
// read; zero: there is none. The caller holds the lock.
func (s *Sidecar) oldestInteraction(c *consumer) time.Time {
	for _, p := range s.pending {
		if c.has(p.guild) && p.position >= c.cursor {
			return p.received
		}
	}
	return time.Time{}
}

// answerInteractions answers what no bot takes, until ctx ends.
func (s *Sidecar) answerInteractions(ctx context.Context) {
	var answers sync.WaitGroup
	defer answers.Wait()
	room := make(chan struct{}, tellAtOnce)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		due, next := s.dueInteractions(time.Now())
		for _, p := range due {
			select {
			case room <- struct{}{}:
			case <-ctx.Done():
				return
			}
			answers.Go(func() {
				defer func() { <-room }()
				s.tell(ctx, p)
			})
		}
		timer.Reset(next)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-s.interaction:
		}
	}
}

// dueInteractions takes out what no bot has read in time, and returns how long it is until
// the next one may be due.
func (s *Sidecar) dueInteractions(now time.Time) (due []pendingInteraction, next time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next = time.Hour
	s.pending = slices.DeleteFunc(s.pending, func(p pendingInteraction) bool {
		read, given := s.progressOf(p)
		patience := tellAfter
		if read || given {
			patience = unreadAfter
		}
		if wait := patience - now.Sub(p.received); wait > 0 {
			next = min(next, wait)
			return false
		}
		if !read {
			due = append(due, p)
			s.remove(p.position)
		}
		return true
	})
	return due, next
}

// progressOf reports whether a bot has read an interaction, and whether the line that gets
// its events has been given it. The caller holds the lock.
func (s *Sidecar) progressOf(p pendingInteraction) (read, given bool) {
	for _, c := range s.consumers {
		if c.shard[1] != s.count || !c.has(p.guild) {
			continue
		}
		a := c.active()
		return c.cursor > p.position, a != nil && a.session == c.session && a.position > p.position
	}
	return false, false
}

// tell answers an interaction for a bot that is away.
func (s *Sidecar) tell(ctx context.Context, p pendingInteraction) {
	ctx, cancel := context.WithTimeout(ctx, tellDeadline)
	defer cancel()
	switch err := s.callback(ctx, p); {
	case err == nil:
		s.mu.Lock()
		s.counts.Told++
		for _, c := range s.consumers {
			if c.shard[1] == s.count && c.has(p.guild) {
				c.counts.Told++
			}
		}
		s.mu.Unlock()
		s.log.Info("An interaction was answered for the bot, which is away", "waited", time.Since(p.received).Round(time.Millisecond))
	case errors.Is(err, errAcknowledged):
		s.log.Debug("An interaction was not answered for the bot, which has done so itself")
	case ctx.Err() == nil:
		s.log.Warn("An interaction could not be answered for the bot, which is away", "error", err)
	}
}

// errAcknowledged is Discord's answer where there is an answer already (40060): the bot has
// given it just before it ended.
var errAcknowledged = errors.New("the interaction has been answered")

const codeAcknowledged = 40060

func (s *Sidecar) callback(ctx context.Context, p pendingInteraction) error {
	data := map[string]any{"content": s.awayReply(p.locale), "flags": flagEphemeral}
	body := map[string]any{"type": answerMessage, "data": data}
	if p.kind == interactionAutocomplete {
		body = map[string]any{"type": answerChoices, "data": map[string]any{"choices": []string{}}}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	address := fmt.Sprintf("%s/interactions/%d/%s/callback", strings.TrimSuffix(s.opts.APIURL, "/"), p.id, url.PathEscape(p.token))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("its token makes no address")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", s.opts.UserAgent)
	answer, err := s.opts.HTTPClient.Do(r)
	if err != nil {
		if wrapped, ok := err.(*url.Error); ok { //nolint:errorlint // it names the address, which holds a token
			err = wrapped.Err
		}
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	said, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	if answer.StatusCode < 300 {
		return nil
	}
	var refused struct {
		Code int `json:"code"`
	}
	if json.Unmarshal(said, &refused) == nil && refused.Code == codeAcknowledged {
		return errAcknowledged
	}
	return fmt.Errorf("the answer was %s", answer.Status)
}

package sidecar

import (
	"context"

	"evergreen/gateway"
)

// Identity is what a bot has asked for in its IDENTIFY: what upstream needs to connect
// before the bot is there.
type Identity struct {
	// Known: a bot has identified, or the settings name the intents.
	Known          bool              `json:"known"`
	Intents        gateway.Intents   `json:"intents"`
	Presence       *gateway.Presence `json:"presence,omitempty"`
	LargeThreshold int               `json:"large_threshold,omitempty"`
}

// learn takes in what a bot asks for. The caller holds the lock.
func (s *Sidecar) learn(i identify) {
	first := !s.identity.Known
	if more := i.Intents &^ s.identity.Intents; more != 0 && !first {
		do := "Restart Evergreen: its next session has them."
		if s.opts.Intents != 0 {
			do = "Add them to PROXY_INTENTS, or leave it out."
		}
		s.log.Warn("The bot asks for more intents than its session at Discord has, and does not get their events", "intents", more, "do", do)
	}
	if s.opts.Intents == 0 {
		s.identity.Intents |= i.Intents
	}
	s.identity.LargeThreshold = i.LargeThreshold
	s.identity.Known = true
	s.touch()
	if first {
		close(s.identified)
	}
}

// AwaitIdentity returns what the bot asks for, once one has identified in this run or an
// earlier one, or the error of ctx.
func (s *Sidecar) AwaitIdentity(ctx context.Context) (Identity, error) {
	s.mu.Lock()
	identified := s.identified
	s.mu.Unlock()
	select {
	case <-ctx.Done():
		return Identity{}, ctx.Err()
	case <-identified:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.identity, nil
	}
}

// Refuse closes every line that waits with a close code of Discord's, and forgets what
// they asked for: the next bot tells it anew.
func (s *Sidecar) Refuse(code gateway.CloseCode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.identity.Intents, s.identity.Known = s.opts.Intents, false
	s.identified = make(chan struct{})
	s.touch()
	for a := range s.lines {
		if a.phase == phaseWaiting {
			a.refused = code
			a.notify()
		}
	}
}

// Known returns what the bot asks for as far as that is known.
func (s *Sidecar) Known() Identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.identity
}

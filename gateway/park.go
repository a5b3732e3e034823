package gateway

import (
	"context"
	"errors"
	"time"
)

const (
	// maxParkWait is the longest time between two checks of a parked shard.
	maxParkWait = 10 * time.Minute
	// credentialCheckTimeout bounds one call of the CredentialChecker.
	credentialCheckTimeout = 30 * time.Second
)

// errNoChecker keeps a shard without a CredentialChecker parked.
var errNoChecker = errors.New("there is no credential checker")

// remedied is an error of a CredentialChecker that knows what a person has to do.
type remedied interface {
	error
	Remedy() string
}

// park waits for a person (rule 7, G-094). It dials nothing and has the credentials
// checked from time to time. It returns when they are mended, when Reconfigure brings
// others, or when the shard is to stop.
func (s *Shard) park(reason Reason) {
	s.dropSpare()
	s.set(Parked{Reason: reason}, reason)
	wait := s.opts.Timing.ParkRecheck
	if reason.Code == CloseInvalidShard || reason.Code == CloseShardingRequired {
		wait = 0 // how many shards are needed is asked at once (G-097)
	}
	remedy := ""
	for {
		select {
		case <-time.After(wait):
			err := s.checkCredentials(reason)
			if err == nil {
				return
			}
			if found, ok := errors.AsType[remedied](err); ok && found.Remedy() != remedy {
				remedy, reason.Err = found.Remedy(), err
				s.set(Parked{Reason: reason}, reason)
			}
			wait = min(max(2*wait, s.opts.Timing.ParkRecheck), maxParkWait)
		case c := <-s.reconfigured:
			s.setCredentials(c)
			s.policy.onMended()
			return
		case <-s.life.StopContext().Done():
			return
		}
	}
}

// checkCredentials has the credentials checked and takes over what the checker
// returns. An error says that the shard must not go on.
func (s *Shard) checkCredentials(reason Reason) error {
	if s.opts.CredentialChecker == nil {
		return errNoChecker
	}
	ctx, cancel := context.WithTimeout(s.life.StopContext(), credentialCheckTimeout)
	defer cancel()
	c, err := s.opts.CredentialChecker.CheckCredentials(ctx, reason, s.credentials)
	if err != nil {
		return err
	}
	s.setCredentials(c)
	s.policy.onMended()
	return nil
}

// verifyCredentials has the credentials checked after Discord invalidated a live
// session, and parks if they are refused (G-064).
func (s *Shard) verifyCredentials(reason Reason) {
	if s.opts.CredentialChecker != nil && s.checkCredentials(reason) != nil {
		s.park(fatalReason(reason.Code))
	}
}

// setCredentials takes over new credentials while there is no connection. A session
// belongs to the token and the intents it was identified with: it goes with them.
func (s *Shard) setCredentials(c Credentials) {
	if c != s.credentials {
		s.dropSession(Reason{Kind: ReasonStart, Text: "the credentials have changed"})
	}
	s.credentials = c
}

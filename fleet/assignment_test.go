package fleet_test

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"evergreen/fleet"
	"evergreen/gateway"
)

// What an operator writes is read back as it is printed, or refused in words.
func TestParseAssignment(t *testing.T) {
	for _, c := range []struct{ text, want, wrong string }{
		{"", "auto", ""}, {" Auto ", "auto", ""}, {"1", "1", ""}, {"16", "16", ""}, {"0-15/64", "0-15/64", ""},
		{"0-63/64", "64", ""}, {"3, 1,2,7 /8", "1-3,7/8", ""}, {"0-3,2-5/8", "0-5/8", ""}, {"5/8", "5/8", ""},
		{"0", "", "at least one"}, {"-1", "", "negative"}, {"many", "", "whole number"}, {"1/", "", "number of shards"},
		{"/4", "", "a shard is missing"}, {"4/4", "", "no shard 4 of 4"}, {"3-1/4", "", "backwards"}, {"1-x/4", "", "a shard is missing"}, {"x-1/4", "", "a shard is missing"}, {"1.5", "", "whole number"},
		{"99999999999999999999", "", "too large"}, {"200000", "", "too many"}, {"0-1/2/3", "", "whole number"},
	} {
		a, err := fleet.ParseAssignment(c.text)
		switch {
		case c.wrong == "" && (err != nil || a.String() != c.want):
			t.Errorf("%q: got %s (%v), want %s", c.text, a, err, c.want)
		case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%q: got %s (%v), want an error with %q", c.text, a, err, c.wrong)
		}
	}
}

// Only an assignment without shards and without their number is for Discord to decide.
func TestUndecidedAssignment(t *testing.T) {
	for _, c := range []struct {
		a           fleet.Assignment
		auto, whole bool
	}{
		{fleet.Assignment{}, true, false}, {fleet.All(2), false, true}, {fleet.Assignment{Count: 5}, false, false},
		{fleet.Assignment{IDs: []int{1}}, false, false}, {fleet.Assignment{Count: 5, IDs: []int{1}}, false, false},
	} {
		if c.a.Auto() != c.auto || c.a.Whole() != c.whole {
			t.Errorf("%+v: undecided %t, whole %t", c.a, c.a.Auto(), c.a.Whole())
		}
	}
}

// Given an assigner that fails for a while, then the fleet asks again; a refused
// token and an impossible answer end it.
func TestAssignerIsAskedAgain(t *testing.T) {
	asked := 0
	run(t, config{shards: "1", options: func(o *fleet.Options) {
		o.Assigner = fleet.AssignerFunc(func(context.Context) (fleet.Assignment, error) {
			if asked++; asked < 3 {
				return fleet.Assignment{}, errors.New("Discord is away")
			}
			return fleet.All(2), nil
		})
	}}, func(s *harness) {
		if took := s.startLive(time.Minute); took > 10*time.Second || asked != 3 {
			t.Errorf("it took %s and %d questions", took, asked)
		}
	})
	for name, assigner := range map[string]fleet.AssignerFunc{
		"refused":    func(context.Context) (fleet.Assignment, error) { return fleet.Assignment{}, gateway.ErrUnauthorized },
		"impossible": func(context.Context) (fleet.Assignment, error) { return fleet.Assignment{Count: 2, IDs: []int{5}}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			run(t, config{options: func(o *fleet.Options) { o.Assigner = assigner }}, func(s *harness) {
				if err := s.fleet.Run(s.T.Context()); err == nil {
					t.Error("the fleet ran")
				}
			})
		})
	}
}

// Given a number of shards that makes no sense or that one process cannot run, then it is
// refused at once, without room being made for them, and the error says what to do.
func TestAbsurdNumbersOfShardsAreRefused(t *testing.T) {
	for _, count := range []int{-1, 0, fleet.MaxHere + 1, fleet.MaxCount, fleet.MaxCount + 1, 1_000_000_000, math.MaxInt} {
		if err := fleet.All(count).Validate(); err == nil {
			t.Errorf("%d shards are valid", count)
		}
		if _, err := fleet.ParseAssignment(strconv.Itoa(count)); err == nil {
			t.Errorf("SHARDS=%d is valid", count)
		}
	}
	for _, ids := range [][]int{{-1}, {3}, {0, 0}, {1, 0}, {0, 3}, {-1, 0}} {
		if err := (fleet.Assignment{Count: 3, IDs: ids}).Validate(); err == nil {
			t.Errorf("the shards %v of 3 are valid", ids)
		}
	}
	if a, err := fleet.ParseAssignment("0-4095/100000"); err != nil || len(a.IDs) != 4096 {
		t.Errorf("a part of many shards is refused: %v", err)
	}
	for _, rate := range []float64{-1, math.NaN(), math.Inf(1), 1e-300} {
		o := fleet.Options{Shard: gateway.Options{Credentials: gateway.Credentials{Token: "t"}, URLSource: gateway.FixedURL("wss://x")}, DialRate: rate}
		if _, err := fleet.New(o); err == nil {
			t.Errorf("a DialRate of %v is taken", rate)
		}
	}
	for _, rate := range []float64{0, 0.01, 1, 100_000} {
		o := fleet.Options{Shard: gateway.Options{Credentials: gateway.Credentials{Token: "t"}, URLSource: gateway.FixedURL("wss://x")}, DialRate: rate}
		if _, err := fleet.New(o); err != nil {
			t.Errorf("a DialRate of %v is refused: %v", rate, err)
		}
	}
}

package api

import (
	"errors"
	"testing"
)

// A client is told what a server knows, given its token; without it it learns
// that it needs one.
func TestClient(t *testing.T) {
	o, _ := everything(t)
	o.Token, o.Instance = "a-long-token", "this run"
	s := serve(t, o)
	c := Client{Addr: s.Addr().String(), Token: o.Token}
	told, raw, err := c.Status(t.Context())
	if err != nil || told.Status != "online" || told.Bot.Guilds != 3 || len(raw) == 0 {
		t.Errorf("got %+v, %v", told, err)
	}
	for instance, want := range map[string]error{"this run": nil, "another": ErrOtherInstance} {
		c.Instance = instance
		if _, _, err := c.Status(t.Context()); !errors.Is(err, want) {
			t.Errorf("asked for %s: %v", instance, err)
		}
	}
	list, err := c.Incidents(t.Context(), 2)
	if err != nil || len(list) != 2 || list[0].Summary == "" {
		t.Errorf("got %+v, %v", list, err)
	}
	c.Token = "another"
	_, _, err = c.Status(t.Context())
	if refused, ok := errors.AsType[*RefusedError](err); !ok || refused.Code != 401 {
		t.Errorf("a wrong token: %v", err)
	}
}

// An address that stands for every interface is asked on this machine.
func TestClientBase(t *testing.T) {
	for addr, want := range map[string]string{
		":8000": "http://127.0.0.1:8000", "0.0.0.0:80": "http://127.0.0.1:80", "[::]:81": "http://127.0.0.1:81",
		"[::1]:82": "http://[::1]:82", "bot.example:83": "http://bot.example:83",
	} {
		if got := (Client{Addr: addr}).Base(); got != want {
			t.Errorf("%s is asked at %s, want %s", addr, got, want)
		}
	}
}

package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Who has refused a request: Discord, Cloudflare in the name of Discord, or something else.
// Statements: G-135.
func TestInspectRefusal(t *testing.T) {
	const blocked = "<html>you have been blocked by Cloudflare</html>"
	for _, c := range []struct {
		status int
		body   string
		header string // "name: value"
		want   Refusal
	}{
		{200, `{}`, "", Refusal{}},
		{200, "<html>log in</html>", "", Refusal{Reason: ReasonForeign}},
		{200, " \r\n\t<html>", "", Refusal{Reason: ReasonForeign}},
		{299, "<html>", "", Refusal{Reason: ReasonForeign}},
		{204, "", "", Refusal{}},
		{200, `{}`, "Cf-Mitigated: challenge", Refusal{Reason: ReasonBanned}},
		{300, `{}`, "", Refusal{Reason: ReasonForeign}},
		{302, "", "", Refusal{Reason: ReasonForeign}},
		{304, "", "", Refusal{}},
		{399, "", "", Refusal{Reason: ReasonForeign}},
		{400, "<html>", "", Refusal{}},
		{404, blocked, "", Refusal{}},
		{502, "<html>", "", Refusal{}},
		{401, `{"code":0}`, "", Refusal{}},
		{403, `{}`, "", Refusal{}},
		{403, `null`, "", Refusal{Reason: ReasonForeign}},
		{403, `[]`, "", Refusal{Reason: ReasonForeign}},
		{403, `{"code":`, "", Refusal{Reason: ReasonForeign}},
		{403, "no", "", Refusal{Reason: ReasonForeign}},
		{407, "", "", Refusal{Reason: ReasonForeign}},
		{451, "", "", Refusal{Reason: ReasonForeign}},
		{403, "error code: 1006", "", Refusal{ReasonBanned, 1006}},
		{401, blocked, "", Refusal{Reason: ReasonBanned}},
		{403, "<html>you have been blocked by the firewall</html>", "", Refusal{Reason: ReasonForeign}},
		{403, "<html>Cloudflare says hello</html>", "", Refusal{Reason: ReasonForeign}},
		{403, "<p>access denied</p><!-- CLOUDFLARE -->", "", Refusal{Reason: ReasonBanned}},
		{403, strings.Repeat(" ", maxPage-10) + "error code: 1006", "", Refusal{Reason: ReasonForeign}},
		{429, "error code: 1015", "", Refusal{ReasonBanned, 1015}},
		{429, "", "", Refusal{Reason: ReasonForeign}},
		{429, `{"message":"You are being blocked"}`, "", Refusal{Reason: ReasonBanned}},
		{429, `{"message":"You are being rate limited."}`, "", Refusal{Reason: ReasonForeign}},
		{429, `{"message":"blocked`, "", Refusal{Reason: ReasonForeign}},
		{429, `{"retry_after":0}`, "", Refusal{}},
		{429, `{"retry_after":"1.5","message":"blocked"}`, "", Refusal{}},
		{429, `{"retry_after":"soon"}`, "", Refusal{Reason: ReasonForeign}},
		{429, `error code: 1015`, "X-RateLimit-Scope: user", Refusal{}},
		{429, `error code: 1015`, "X-RateLimit-Bucket: b", Refusal{}},
		{429, `error code: 1015`, "X-RateLimit-Global: true", Refusal{}},
		{429, `error code: 1015`, "Retry-After: 5", Refusal{ReasonBanned, 1015}},
	} {
		h := http.Header{}
		if name, value, is := strings.Cut(c.header, ": "); is {
			h.Set(name, value)
		}
		if got := InspectRefusal(c.status, h, []byte(c.body)); got != c.want {
			t.Errorf("%d %.60q %s: %+v, want %+v", c.status, strings.TrimSpace(c.body), c.header, got, c.want)
		}
	}
}

// Given a refusal that is neither Discord's nor Cloudflare's, only that route stops, and
// it is tried again after a minute, or when the answer says; nothing asks meanwhile, and
// one line tells of it.
// Statements: G-135.
func TestForeignRefusalStopsItsRouteOnly(t *testing.T) {
	soon := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for name, c := range map[string]struct {
		answer func() *http.Response
		want   time.Duration
	}{
		"empty":     {func() *http.Response { return respond(429, "") }, time.Minute},
		"null":      {func() *http.Response { return respond(429, `{"retry_after":null}`) }, time.Minute},
		"list":      {func() *http.Response { return respond(429, `[]`) }, time.Minute},
		"1e12":      {func() *http.Response { return respond(429, "slow down", "Retry-After", "1e12") }, time.Minute},
		"inf":       {func() *http.Response { return respond(429, "slow down", "Retry-After", "inf") }, time.Minute},
		"date":      {func() *http.Response { return respond(429, "slow down", "Retry-After", soon(30*time.Second)) }, 30 * time.Second},
		"past date": {func() *http.Response { return respond(429, "slow down", "Retry-After", soon(-time.Hour)) }, time.Second},
		"other clock": {func() *http.Response {
			return respond(429, "x", "Retry-After", soon(time.Hour+30*time.Second), "Date", soon(time.Hour))
		}, 30 * time.Second},
		"zero":         {func() *http.Response { return respond(429, "slow down", "Retry-After", "0") }, time.Second},
		"endless":      {func() *http.Response { return respond(429, "slow down", "Retry-After", "99999999999") }, 10 * time.Minute},
		"firewall":     {func() *http.Response { return respond(403, "<html>Blocked by policy</html>") }, time.Minute},
		"proxy login":  {func() *http.Response { return respond(407, "") }, time.Minute},
		"portal login": {func() *http.Response { return respond(401, "<html>who are you?</html>") }, time.Minute},
	} {
		run(t, Options{}, func(n int, s sentRequest) (*http.Response, error) {
			if n <= 2 && s.path == "/channels/1/messages" {
				return c.answer(), nil
			}
			return respond(200, "{}"), nil
		}, func(w *harness) {
			ctx, cancel := context.WithTimeout(w.t.Context(), 900*time.Millisecond)
			defer cancel()
			_, _ = w.send(w.request(ctx, "POST", "/channels/1/messages", "{}"))
			began := time.Now()
			w.must(200, "POST", "/channels/2/messages", "{}")
			w.must(200, "POST", "/interactions/1/abc/callback", "{}")
			w.must(200, "GET", "/users/@me", "")
			for time.Since(began) < c.want-100*time.Millisecond {
				short, cancel := context.WithTimeout(w.t.Context(), 50*time.Millisecond)
				if _, err := w.send(w.request(short, "POST", "/channels/1/messages", "{}")); err == nil {
					t.Fatalf("%s: it was sent", name)
				}
				cancel()
				time.Sleep(c.want / 20)
			}
			long, cancel := context.WithTimeout(w.t.Context(), time.Hour)
			defer cancel()
			if status, err := w.send(w.request(long, "POST", "/channels/1/messages", "{}")); status != 200 {
				t.Errorf("%s: %d, %v", name, status, err)
			}
			if last := w.discord.seen()[4].at; last < c.want-time.Second || last > c.want {
				t.Errorf("%s: sent again at %s, want %s", name, last, c.want)
			}
			if told := w.events.of(ReasonForeign); len(told) != 1 {
				t.Errorf("%s: told %v", name, told)
			}
		})
	}
}

// One line in ten minutes tells of something else than Discord that answers, however many
// routes it answers on.
func TestForeignAnswersAreToldNowAndThen(t *testing.T) {
	run(t, Options{Tries: 1}, always(407, ""), func(w *harness) {
		for n, want := range []int{1, 1, 2, 2, 3} {
			_, _ = w.do("GET", fmt.Sprintf("/channels/%d", n), "")
			if told := len(w.events.of(ReasonForeign)); told != want {
				t.Errorf("told %d times after %d answers, want %d", told, n+1, want)
			}
			time.Sleep([]time.Duration{lookInterval - time.Second, time.Second, lookInterval - time.Second, time.Second, 0}[n])
		}
	})
}

// An answer that is no refusal and not Discord's holds its route for ten seconds, a refusal
// for as long as it says, or a minute; only refusals count towards the limit of those.
func TestForeignAnswersHoldTheirRoute(t *testing.T) {
	for _, c := range []struct {
		status  int
		after   string
		want    time.Duration
		invalid int
	}{
		{302, "", portalPause, 0}, {302, "300", portalPause, 0}, {399, "", portalPause, 0},
		{407, "", unknownPause, 1}, {407, "300", 300 * time.Second, 1}, {451, "5", 5 * time.Second, 1},
	} {
		run(t, Options{}, func(n int, _ sentRequest) (*http.Response, error) {
			if n == 1 {
				return respond(c.status, "", "Retry-After", c.after), nil
			}
			return respond(200, "{}"), nil
		}, func(w *harness) {
			_, err := w.do("GET", "/users/@me", "")
			if said, ok := errors.AsType[*Error](err); !ok || said.Status != c.status || time.Until(said.Until) != c.want || !said.Temporary() {
				t.Errorf("%d: %v", c.status, err)
			}
			if n := w.transport.Stats().Invalid; n != c.invalid {
				t.Errorf("%d: %d are invalid", c.status, n)
			}
			time.Sleep(c.want - time.Second)
			w.must(200, "GET", "/users/@me", "")
			w.at(0, c.want)
		})
	}
}

// Given a 401 page of a proxy on the way, the token is not given up.
func TestForeign401IsNotDiscords(t *testing.T) {
	run(t, Options{}, always(401, "<html>who are you?</html>"), func(w *harness) {
		for range 2 {
			if _, err := w.do("GET", "/users/@me", ""); !errors.Is(err, ErrForeign) {
				t.Errorf("error is %v", err)
			}
			time.Sleep(time.Minute)
		}
		w.at(0, time.Minute)
	})
}

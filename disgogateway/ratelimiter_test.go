package disgogateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/disgogateway"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"
)

// fakeREST is a Discord that says what it is told to and remembers when it was
// asked for what.
type fakeREST struct {
	list[sentRequest]
	say func(n int, path string) (status int, header map[string]string, body string)
}

type sentRequest struct {
	at  time.Time
	url string
}

func (a *fakeREST) RoundTrip(req *http.Request) (*http.Response, error) {
	a.add(sentRequest{time.Now(), req.URL.String()})
	status, header, body := a.say(a.len(), req.URL.Path)
	h := http.Header{"Content-Type": {"application/json"}, "Via": {"1.1 google"}}
	for k, v := range header {
		h.Set(k, v)
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

// runREST lets disgo's REST client with our limiter talk to such a Discord, in
// virtual time.
func runREST(t *testing.T, say func(int, string) (int, map[string]string, string), story func(*fakeREST, rest.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := &fakeREST{say: say}
		story(a, rest.NewClient("token", rest.WithHTTPClient(&http.Client{Transport: a}), rest.WithRateLimiter(disgogateway.NewRateLimiter())))
	})
}

// get asks for a channel.
func get(client rest.Client, channel int) error {
	return client.Do(rest.GetChannel.Compile(nil, snowflake.ID(channel)), nil, nil)
}

// Given a bucket that opens again after 0.75 s, then the next request comes
// after 0.75 s and not at once.
// Statements: G-128.
func TestAFractionOfASecondIsWaitedOut(t *testing.T) {
	runREST(t, func(int, string) (int, map[string]string, string) {
		return 200, map[string]string{
			"X-RateLimit-Bucket": "b", "X-RateLimit-Limit": "1", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "0.75",
		}, "{}"
	}, func(a *fakeREST, client rest.Client) {
		for range 3 {
			if err := get(client, 1); err != nil {
				t.Fatal(err)
			}
		}
		all := a.all()
		for i := 1; i < len(all); i++ {
			if gap := all[i].at.Sub(all[i-1].at); gap < 750*time.Millisecond || gap > 900*time.Millisecond {
				t.Errorf("request %d came after %s", i, gap)
			}
		}
	})
}

// Given a global 429 that names no bucket, then no route is asked before it is
// over, and the request itself succeeds afterwards.
// Statements: G-130.
func TestAGlobalLimitStopsEveryRoute(t *testing.T) {
	runREST(t, func(n int, _ string) (int, map[string]string, string) {
		if n == 1 {
			return 429, map[string]string{"Retry-After": "3", "X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"},
				`{"message":"You are being rate limited.","retry_after":2.5,"global":true}`
		}
		return 200, nil, "{}"
	}, func(a *fakeREST, client rest.Client) {
		began := time.Now()
		var work sync.WaitGroup
		for i := range 5 {
			work.Go(func() {
				time.Sleep(time.Duration(i) * 100 * time.Millisecond)
				if err := get(client, i); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		for i, request := range a.all()[1:] {
			if at := request.at.Sub(began); at < 2500*time.Millisecond {
				t.Errorf("request %d was sent %s after the 429", i+2, at)
			}
		}
	})
}

// Given 200 requests for as many channels at once, then no more than 50 leave
// in any second.
// Statements: G-131.
func TestNoMoreThanFiftyASecond(t *testing.T) {
	runREST(t, func(int, string) (int, map[string]string, string) { return 200, nil, "{}" }, func(a *fakeREST, client rest.Client) {
		if err := get(client, 0); err != nil { // the route is known to have no bucket
			t.Fatal(err)
		}
		var work sync.WaitGroup
		for i := range 199 {
			work.Go(func() {
				if err := get(client, i+1); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		all := a.all()
		for i := 50; i < len(all); i++ {
			if span := all[i].at.Sub(all[i-50].at); span < time.Second {
				t.Errorf("51 requests left within %s", span)
			}
		}
	})
}

// Given a request under way, when the client is closed, then Close waits for it
// as long as it may, and later requests fail at once.
func TestAClosedLimiterFailsRequests(t *testing.T) {
	runREST(t, func(int, string) (int, map[string]string, string) {
		time.Sleep(2 * time.Second)
		return 200, nil, "{}"
	}, func(_ *fakeREST, client rest.Client) {
		var work sync.WaitGroup
		work.Go(func() {
			if err := get(client, 1); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		client.Close(ctx)
		if took := time.Since(began); took != time.Second {
			t.Errorf("an impatient Close took %s", took)
		}
		client.Close(context.Background())
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("Close took %s", took)
		}
		work.Wait()
		if err := get(client, 2); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// exhausted answers as a bucket that lets one request through every five seconds.
func exhausted(int, string) (int, map[string]string, string) {
	return 200, map[string]string{
		"X-RateLimit-Bucket": "b", "X-RateLimit-Limit": "1", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "5",
	}, "{}"
}

// Given a request that waits for its bucket, when the client is closed meanwhile, then it
// is not sent when its time comes, and one that comes after the close does not wait at all.
func TestAClosedLimiterSendsNothingThatWaited(t *testing.T) {
	runREST(t, exhausted, func(a *fakeREST, client rest.Client) {
		if err := get(client, 1); err != nil {
			t.Fatal(err)
		}
		waited := make(chan error, 1)
		go func() { waited <- get(client, 1) }()
		time.Sleep(time.Second)
		client.Close(t.Context())
		began := time.Now()
		if err := get(client, 1); !errors.Is(err, net.ErrClosed) || time.Since(began) != 0 {
			t.Errorf("after Close: %v after %s", err, time.Since(began))
		}
		if err := <-waited; !errors.Is(err, net.ErrClosed) || a.len() != 1 {
			t.Errorf("what waited: %v, %d requests were sent", err, a.len())
		}
	})
}

// Given requests in flight, when the limits are reset, then they hold no other request
// up, Close does not wait for them, and their end is harmless.
func TestAResetForgetsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := disgogateway.NewRateLimiter()
		one, other := rest.GetChannel.Compile(nil, snowflake.ID(1)), rest.GetChannel.Compile(nil, snowflake.ID(2))
		response := func() *http.Response {
			_, header, body := exhausted(0, "")
			h := http.Header{}
			for k, v := range header {
				h.Set(k, v)
			}
			return &http.Response{StatusCode: 200, Header: h, Body: io.NopCloser(strings.NewReader(body))}
		}
		wait := func(endpoint *rest.CompiledEndpoint) (took time.Duration) {
			t.Helper()
			began := time.Now()
			if err := l.Wait(t.Context(), endpoint); err != nil {
				t.Error(err)
			}
			return time.Since(began)
		}
		unlock := func(endpoint *rest.CompiledEndpoint) {
			t.Helper()
			if err := l.Unlock(endpoint, response()); err != nil {
				t.Error(err)
			}
		}
		wait(one)
		unlock(one)
		if took := wait(one); took < 5*time.Second {
			t.Errorf("the bucket was waited for %s", took)
		}
		l.Reset()
		if took := wait(one); took != 0 {
			t.Errorf("after the reset the bucket was waited for %s", took)
		}
		unlock(one)
		unlock(one)   // from before the reset
		unlock(other) // that never waited

		// Two requests of one endpoint are two.
		l.Reset()
		same := rest.GetChannel.Compile(nil, snowflake.ID(3))
		wait(same)
		if err := l.Unlock(same, &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody}); err != nil {
			t.Error(err) // the route is known to have no bucket
		}
		var both sync.WaitGroup
		both.Go(func() { wait(same) })
		both.Go(func() { wait(same) })
		time.Sleep(time.Second)
		closed := make(chan time.Time, 1)
		go func() {
			l.Close(t.Context())
			closed <- time.Now()
		}()
		began := time.Now()
		time.Sleep(time.Second)
		unlock(same)
		time.Sleep(time.Second)
		select {
		case <-closed:
			t.Error("Close has not waited for the second request")
		default:
		}
		unlock(same)
		both.Wait()
		if took := (<-closed).Sub(began); took != 2*time.Second {
			t.Errorf("Close took %s", took)
		}
	})
}

// Given an address that cannot be read, then the request fails before it waits.
func TestAnAddressThatCannotBeReadIsRefused(t *testing.T) {
	l := disgogateway.NewRateLimiter()
	err := l.Wait(t.Context(), &rest.CompiledEndpoint{Endpoint: rest.NewEndpoint(http.MethodGet, "/x"), URL: "/%zz?secret"})
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
	l.Close(t.Context()) // nothing is in flight
}

// Given a token that Discord refuses, then it is not sent again and again; what needs no
// token is sent.
// Statements: G-132.
func TestADeadTokenIsNotRepeated(t *testing.T) {
	runREST(t, func(int, string) (int, map[string]string, string) {
		return 401, nil, `{"message":"401: Unauthorized","code":0}`
	}, func(a *fakeREST, client rest.Client) {
		for range 20 {
			if err := get(client, 1); err == nil {
				t.Fatal("a dead token was accepted")
			}
		}
		if a.len() != 1 {
			t.Errorf("it was sent %d times", a.len())
		}
		_ = client.Do(rest.NewNoBotAuthEndpoint(http.MethodGet, "/gateway").Compile(nil), nil, nil)
		if a.len() != 2 {
			t.Error("a request without a token was not sent")
		}
	})
}

// Given a bot that answers twenty commands at once while Discord answers the
// first eight requests with some kind of 429, then every answer stands and the
// simulator has nothing to complain about.
// Statements: G-127, G-128, G-129, G-130.
func TestAnswersStandDespiteRateLimits(t *testing.T) {
	for _, fault := range []string{"", "rest-429", "rest-429-shared", "rest-429-global"} {
		t.Run(fault, func(t *testing.T) {
			run(t, config{}, func(s *harness) {
				s.open()
				if fault != "" {
					s.Inject(discordsim.Fault{Name: fault, Count: 8, Delay: 700 * time.Millisecond})
				}
				channel := snowflake.ID(s.Guilds[0].Channels[0].ID)
				var work sync.WaitGroup
				for i := range 20 {
					work.Go(func() {
						if _, err := s.client.Rest.CreateMessage(channel, discord.NewMessageCreate().WithContent(fmt.Sprint(i))); err != nil {
							t.Error(err)
						}
					})
				}
				work.Wait()
				s.NoViolations()
			})
		})
	}
}

package simtest

import (
	"context"
	"io"
	"net/http"
	"testing"
)

// Serve makes a server listen and runs it until the test ends. The test fails if
// either returns an error.
func Serve(t testing.TB, s interface {
	Listen(context.Context) error
	Run(context.Context) error
}) {
	t.Helper()
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Reply is an answer, read to its end.
type Reply struct {
	Status int
	Header http.Header
	Body   string
}

// Request sends one request to host on a connection of its own. The path is sent
// exactly as it is; change may add to the request.
func Request(t testing.TB, host, method, path string, change ...func(*http.Request)) Reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+host, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Opaque = path
	r.Close = true
	for _, c := range change {
		c(r)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Reply{Status: response.StatusCode, Header: response.Header, Body: string(body)}
}

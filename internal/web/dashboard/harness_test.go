package dashboard_test

import (
	"net/http"
	"testing"

	"evergreen/internal/simtest"
	"evergreen/internal/web/api"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a server on a free loopback port until the test ends.
func serve(t testing.TB, o api.Options) *api.Server {
	t.Helper()
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.Bot == nil {
		o.Bot = newScene(evening)
	}
	s, err := api.New(o)
	if err != nil {
		t.Fatal(err)
	}
	simtest.Serve(t, s)
	return s
}

// ask sends one request on a connection of its own.
func ask(t *testing.T, s *api.Server, method, path string, change ...func(*http.Request)) simtest.Reply {
	t.Helper()
	return simtest.Request(t, s.Addr().String(), method, path, change...)
}

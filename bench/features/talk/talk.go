// Package talk is the protocol of package features for programs in Go.
package talk

import (
	"bufio"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Data is what a program says of a feature.
type Data map[string]any

// Args is what the driver says of it.
type Args map[string]any

// Text is an arg as text.
func (a Args) Text(name string) string {
	text, _ := a[name].(string)
	return text
}

// ID is an arg as a snowflake of a library whose ids are numbers.
func ID[T ~uint64](a Args, name string) T {
	n, _ := strconv.ParseUint(a.Text(name), 10, 64) // ids of the driver are numbers
	return T(n)
}

// File is an arg that is a data URI, as bytes.
func (a Args) File(name string) []byte {
	_, data, _ := strings.Cut(a.Text(name), ",")
	raw, _ := base64.StdEncoding.DecodeString(data) // what the driver has made
	return raw
}

// Ready tells that people may begin.
type Ready func(Data)

// Feature tries one feature.
type Feature func(Args, Ready) (Data, error)

// Cannot is the error of what a library has no call, event or field for.
type Cannot string

func (c Cannot) Error() string { return string(c) }

// patience is how long an event is waited for; the driver waits less.
const patience = 20 * time.Second

// Patience ends a wait that is in vain.
func Patience() <-chan time.Time { return time.After(patience) }

// Origin is where the REST API is.
func Origin() string { return os.Getenv("DISCORD_ORIGIN") }

// Transport sends every request to the origin, for libraries that have the address of Discord
// in their constants.
type Transport struct{}

// RoundTrip is that of http.RoundTripper.
func (Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	origin, err := url.Parse(Origin())
	if err != nil {
		return nil, err
	}
	sent := req.Clone(req.Context())
	if sent.URL.Hostname() == "discord.com" {
		sent.URL.Scheme, sent.URL.Host, sent.Host = origin.Scheme, origin.Host, origin.Host
	}
	return http.DefaultTransport.RoundTrip(sent)
}

var printing sync.Mutex

func say(feature, state, reason string, data Data) {
	raw, err := json.Marshal(struct {
		Feature string `json:"feature"`
		State   string `json:"state"`
		Reason  string `json:"reason,omitempty"`
		Data    Data   `json:"data,omitempty"`
	}{feature, state, reason, data})
	if err != nil {
		raw = fmt.Appendf(nil, `{"feature":%q,"state":"error","reason":%q}`, feature, err.Error())
	}
	printing.Lock()
	defer printing.Unlock()
	_, _ = os.Stdout.Write(append(raw, '\n'))
}

// Run connects, and then tries what the driver asks for, until it asks no more. A feature that
// is in cannot has its reason there.
func Run(connect func(how string) (Data, error), features map[string]Feature, cannot map[string]string) {
	try("connect", func(Args, Ready) (Data, error) { return connect(os.Getenv("CONNECT")) }, nil)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var asked struct {
			Feature string `json:"feature"`
			Args    Args   `json:"args"`
		}
		if json.Unmarshal(lines.Bytes(), &asked) != nil {
			continue
		}
		attempt, known := features[asked.Feature]
		switch {
		case cannot[asked.Feature] != "":
			say(asked.Feature, "cannot", cannot[asked.Feature], nil)
		case !known:
			say(asked.Feature, "untried", "", nil)
		default:
			go try(asked.Feature, attempt, asked.Args)
		}
	}
}

func try(name string, attempt Feature, args Args) {
	defer func() {
		if broken := recover(); broken != nil {
			say(name, "error", fmt.Sprint("panic: ", broken), nil)
		}
	}()
	data, err := attempt(args, func(data Data) { say(name, "ready", "", data) })
	cannot, is := errors.AsType[Cannot](err)
	switch {
	case is:
		say(name, "cannot", string(cannot), nil)
	case err != nil:
		say(name, "error", err.Error(), nil)
	default:
		say(name, "ok", "", data)
	}
}

// Expect waits for an event that fits. listen calls back for every event, and returns what ends
// that; the returned function waits.
func Expect[T any](listen func(func(T)) (stop func()), fits func(T) bool) func() (T, error) {
	come := make(chan T, 1)
	stop := listen(func(event T) {
		if fits == nil || fits(event) {
			select {
			case come <- event:
			default:
			}
		}
	})
	return func() (event T, err error) {
		defer stop()
		select {
		case event = <-come:
			return event, nil
		case <-Patience():
			return event, errors.New("the event has not come")
		}
	}
}

// Told is a feature that waits for an event: expect begins to listen and returns the wait.
func Told[T any](expect func(fits func(T) bool) func() (T, error), fits func(Args, T) bool, what func(T) Data) Feature {
	return func(a Args, ready Ready) (Data, error) {
		wait := expect(func(event T) bool { return fits(a, event) })
		ready(nil)
		event, err := wait()
		if err != nil {
			return nil, err
		}
		return what(event), nil
	}
}

// Done is a feature that only does something.
func Done(do func(Args) error) Feature {
	return func(a Args, _ Ready) (Data, error) { return nil, do(a) }
}

// Gives is a feature whose data comes of what it gets.
func Gives[T any](get func(Args) (T, error), what func(T) Data) Feature {
	return func(a Args, _ Ready) (Data, error) {
		got, err := get(a)
		if err != nil {
			return nil, err
		}
		return what(got), nil
	}
}

// Second drops the first of two results.
func Second[T any](_ T, err error) error { return err }

// Download is what stands at an address.
func Download(address string) (string, error) {
	response, err := http.Get(address)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

// List makes a list of what one thing after another has.
func List[T, V any](things []T, of func(T) V) []V {
	list := []V{}
	for _, thing := range things {
		list = append(list, of(thing))
	}
	return list
}

// Sorted makes a sorted list of what one thing after another has.
func Sorted[T any, V cmp.Ordered](things []T, of func(T) V) []V {
	return slices.Sorted(slices.Values(List(things, of)))
}

// To is a pointer to a value.
func To[T any](value T) *T { return &value }

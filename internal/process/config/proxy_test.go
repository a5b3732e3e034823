package config

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"evergreen/internal/process/logging"
)

// Given proxies with and without a login, however odd, when they are printed, then the
// address is there and the login is not; only the login counts as a secret. What NO_PROXY
// names is none: it may well be this machine.
//
// Statements: G-157.
func TestOnlyTheLoginOfAProxyIsSecret(t *testing.T) {
	for address, want := range map[string]string{
		"http://proxy.corp:3128":                    "http://proxy.corp:3128",
		"proxy.corp:3128":                           "proxy.corp:3128",
		"socks5://[2001:db8::1]:1080":               "socks5://[2001:db8::1]:1080",
		"http://ada:s3cret@proxy.corp:3128":         "http://[redacted]@proxy.corp:3128",
		"ada:s3cret@proxy.corp:3128":                "[redacted]@proxy.corp:3128",
		"http://ada:s3cret%40home@proxy.corp:3128":  "http://[redacted]@proxy.corp:3128",
		"http://ada:s3cret@home@proxy.corp:3128":    "http://[redacted]@proxy.corp:3128",
		"http://ada:s3cret/%2F%23x@proxy.corp:3128": "http://[redacted]@proxy.corp:3128",
	} {
		c := Config{HTTPSProxy: NewProxy(address), NoProxy: "localhost"}
		for _, got := range []string{c.HTTPSProxy.String(), fmt.Sprintf("%v", c.HTTPSProxy), fmt.Sprintf("%q%+v%#v", c.HTTPSProxy, c, c)} {
			if !strings.Contains(got, want) || strings.Contains(got, "s3cret") || strings.Contains(got, "ada") {
				t.Errorf("%s is printed as %s", address, got)
			}
		}
		if text, err := json.Marshal(c.HTTPSProxy); err != nil || string(text) != strconv.Quote(want) {
			t.Errorf("%s becomes %s, %v", address, text, err)
		}
		redactor := logging.NewRedactor(c.Secrets()...)
		if line := "through " + want + " from localhost"; redactor.Redact(line) != line {
			t.Errorf("%s: %q becomes %q", address, line, redactor.Redact(line))
		}
		if _, login, _, found := cutLogin(address); found {
			decoded, _ := url.PathUnescape(login)
			for _, line := range []string{address, "CONNECT with " + login, "Basic " + base64.StdEncoding.EncodeToString([]byte(decoded))} {
				if got := redactor.Redact(line); strings.Contains(got, "s3cret") || strings.Contains(got, "YWRhOnMzY3JldA") {
					t.Errorf("%s: %q becomes %q", address, line, got)
				}
			}
		}
	}
}

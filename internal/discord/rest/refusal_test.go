package rest

import (
	"net/http"
	"strings"
	"testing"
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

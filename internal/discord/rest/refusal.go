package rest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Refusal is who has answered a request in the place of Discord.
type Refusal struct {
	// Reason is ReasonBanned if Discord blocks the address, ReasonForeign if something
	// that is not Discord's has answered, and empty if Discord itself has.
	Reason Reason
	// Code is the number on Cloudflare's page, such as 1015; 0 without one.
	Code int
}

// InspectRefusal returns who has answered a request with a status, headers and the
// beginning of a body. Discord does not redirect, and sends no HTML. Discord's own refusals are JSON objects; a
// 429 of Discord's also has a retry_after or X-RateLimit headers.
func InspectRefusal(status int, h http.Header, body []byte) Refusal {
	if strings.EqualFold(h.Get("Cf-Mitigated"), "challenge") {
		return Refusal{Reason: ReasonBanned}
	}
	switch status {
	case http.StatusTooManyRequests:
		fields, _ := readObject(body)
		_, told := readNumber(fields["retry_after"])
		marked := h.Get("X-RateLimit-Scope") != "" || h.Get("X-RateLimit-Bucket") != "" || h.Get("X-RateLimit-Global") != ""
		if told || marked {
			return Refusal{}
		}
		if bytes.Contains(bytes.ToLower(fields["message"]), []byte("blocked")) {
			return Refusal{Reason: ReasonBanned}
		}
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired, http.StatusUnavailableForLegalReasons:
		if _, object := readObject(body); object {
			return Refusal{}
		}
	default:
		page := status < http.StatusMultipleChoices && bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n\ufeff"), []byte("<"))
		if page || status >= http.StatusMultipleChoices && status < http.StatusBadRequest && status != http.StatusNotModified {
			return Refusal{Reason: ReasonForeign}
		}
		return Refusal{}
	}
	if code, is := cloudflareCode(body); is {
		return Refusal{Reason: ReasonBanned, Code: code}
	}
	return Refusal{Reason: ReasonForeign}
}

// readObject reads a JSON object.
func readObject(body []byte) (fields map[string]json.RawMessage, is bool) {
	_ = json.Unmarshal(body, &fields)
	return fields, fields != nil
}

var (
	// tag is a tag of HTML, and the styles and scripts with what is between them.
	tag = regexp.MustCompile(`(?is)<(style|script)\b.*?</(style|script)>|<[^>]*>`)
	// cloudflareError is how Cloudflare's pages name what is wrong: "error code: 1015", or
	// "Error 1015" in a heading.
	cloudflareError = regexp.MustCompile(`(?i)(?:^\s*|\berror(?:\s+code)?[\s:]*)(1\d{3})\b`)
	// accessDenied is what stands on those without a number.
	accessDenied = regexp.MustCompile(`(?i)access denied|you have been blocked|rate limited|restrict access`)
)

// maxPage is how much of a page is looked at, in bytes.
const maxPage = 32 << 10

// cloudflareCode reports whether a body is the page, or the line of text, with which
// Cloudflare refuses an address, and returns the number on it.
func cloudflareCode(body []byte) (code int, is bool) {
	body = body[:min(len(body), maxPage)]
	text := tag.ReplaceAll(body, []byte(" "))
	if found := cloudflareError.FindSubmatch(text); found != nil {
		code, _ = strconv.Atoi(string(found[1]))
		return code, true
	}
	return 0, bytes.Contains(bytes.ToLower(body), []byte("cloudflare")) && accessDenied.Match(text)
}

// refusal returns who has refused the request.
func (a *answer) refusal() Refusal {
	if a.response == nil {
		return Refusal{}
	}
	return InspectRefusal(a.status(), a.response.Header, a.body)
}

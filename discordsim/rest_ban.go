package discordsim

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// clientRecord is what is known of one client address: its invalid requests and
// whether it is banned (S-086).
type clientRecord struct {
	at     []time.Time // answers of 401, 403 and 429 that count, oldest first
	banned time.Time   // until when
	told   time.Time   // when the ban was first answered
}

// countInvalid counts an invalid request: one answered 401, 403, or 429 unless its
// scope is shared.
func (r *restAPI) countInvalid(c *restRequest, a restResponse) {
	switch {
	case a.bare:
		return
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
	case a.status == http.StatusTooManyRequests && a.scope != scopeShared:
	default:
		return
	}
	if app := r.appOf(c); app != nil {
		r.sim.bots[app.ID].counts.InvalidRequests++
	}
	if r.cfg.InvalidLimit < 0 {
		return
	}
	o := r.clientOf(c.client)
	for len(o.at) > 0 && c.now.Sub(o.at[0]) > r.cfg.InvalidWindow {
		o.at = o.at[1:]
	}
	if o.at = append(o.at, c.now); len(o.at) > r.cfg.InvalidLimit {
		*o = clientRecord{banned: c.now.Add(r.cfg.BanFor)}
		r.violation(c, "G-134", fmt.Sprintf("more than %d invalid requests within %s: the address is banned for %s", r.cfg.InvalidLimit, r.cfg.InvalidWindow, r.cfg.BanFor))
	}
}

func (r *restAPI) clientOf(client string) *clientRecord {
	o := r.invalid[client]
	if o == nil {
		o = &clientRecord{}
		r.invalid[client] = o
	}
	return o
}

// banned refuses an address on every route: one that sent too many invalid
// requests, or one that the fault strikes.
func (r *restAPI) banned(c *restRequest, t requestFault) (restResponse, bool) {
	form, left := t.ban, t.banFor
	o := r.clientOf(c.client)
	if form == "" {
		if left = o.banned.Sub(c.now); left <= 0 {
			o.told = time.Time{}
			return restResponse{}, false
		}
		form = r.cfg.BanForm
	}
	switch {
	case o.told.IsZero():
		o.told = c.now
	case r.wasTold(c, o.told):
		if c.now.Sub(o.told) < banRecheck {
			r.violation(c, "G-135", c.label()+" was sent from a banned address that had been told of the ban")
		}
		o.told = c.now
	}
	if t.banCode != 0 {
		return cloudflarePage(form, t.banCode), true
	}
	return banAnswer(form, left), true
}

// banRecheck is the least time between two requests by which a banned client may look
// whether the ban is over.
const banRecheck = 5 * time.Minute

// The forms of a ban.
const (
	banPlain = "1015"
	banHTML  = "html"
	banJSON  = "json"
)

// banAnswer is a ban in one of its forms. None has the headers of Discord itself:
// no Via, no X-RateLimit.
func banAnswer(form string, left time.Duration) restResponse {
	a := restResponse{status: http.StatusTooManyRequests, bare: true, header: http.Header{"Server": {"cloudflare"}}}
	retryAfter := strconv.Itoa(int(left.Round(time.Second).Seconds()))
	switch form {
	case banHTML:
		a.header.Set("Content-Type", "text/html; charset=UTF-8")
		if left > 0 {
			a.header.Set("Retry-After", retryAfter)
		}
		a.text = htmlPage("Access denied | discord.com used Cloudflare to restrict access", "Error 1015: You are being rate limited")
	case banJSON:
		a.body = map[string]any{"code": 0, "message": "You are being blocked from accessing our API temporarily due to exceeding our rate limits frequently."}
	default:
		a.header.Set("Content-Type", "text/plain; charset=UTF-8")
		if left > 0 {
			a.header.Set("Retry-After", retryAfter)
		}
		a.text = "error code: 1015"
	}
	return a
}

// htmlPage is a page of a proxy in front of Discord.
func htmlPage(title, text string) string {
	return "<!DOCTYPE html>\n<html>\n<head><title>" + title + "</title></head>\n<body><h1>" + text +
		"</h1><p>cloudflare</p></body>\n</html>\n"
}

// cloudflarePage is what Cloudflare answers to an address that it does not let through
// to Discord: 1006 to 1008 and 1020 are bans, 1015 is a rate limit.
func cloudflarePage(form string, code int) restResponse {
	a := restResponse{status: http.StatusForbidden, bare: true, header: http.Header{"Server": {"cloudflare"}, "Cf-Ray": {"8f0000000000000-FRA"}}}
	number := strconv.Itoa(code)
	if form == banPlain {
		a.header.Set("Content-Type", "text/plain; charset=UTF-8")
		a.text = "error code: " + number
		return a
	}
	a.header.Set("Content-Type", "text/html; charset=UTF-8")
	a.text = htmlPage("Access denied | discord.com used Cloudflare to restrict access", "Error "+number+": Access denied")
	return a
}

// pageForm and pageCode are the form and the number of Cloudflare's page.
func (f Fault) pageForm() string {
	if f.Text == "plain" {
		return banPlain
	}
	return banHTML
}

func (f Fault) pageCode() int {
	if f.Code < 1000 || f.Code > 1999 {
		return 1020
	}
	return f.Code
}

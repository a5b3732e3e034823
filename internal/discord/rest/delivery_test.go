package rest

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Whether answers to people get out is known from what became of them: at once where
// something stops them for a while, after two failures where each may be chance, and it is
// forgotten with the first that gets out, or when it is too old to be true.
func TestWhetherAnswersGetOut(t *testing.T) {
	const reply, other = "POST /channels/1/messages", "GET /users/@me"
	type step struct {
		request string
		answer  *http.Response // nil: the connection is cut
		pass    time.Duration  // afterwards
	}
	limited := func(wait int) *http.Response {
		return respond(429, `{"retry_after":`+strconv.Itoa(wait)+`}`, "X-RateLimit-Scope", "user")
	}
	for name, c := range map[string]struct {
		steps []step
		want  Reason
		until time.Duration // from the end of the steps
	}{
		"nothing asked":            {nil, "", 0},
		"all is well":              {[]step{{reply, respond(200, "{}"), 0}}, "", 0},
		"one server error":         {[]step{{reply, respond(500, "{}"), time.Minute}}, "", 0},
		"server errors":            {[]step{{reply, respond(500, "{}"), 10 * time.Second}, {reply, respond(500, "{}"), 0}}, ReasonServer, 0},
		"server errors, then none": {[]step{{reply, respond(500, "{}"), 10 * time.Second}, {reply, respond(500, "{}"), 0}, {reply, respond(200, "{}"), 0}}, "", 0},
		"errors of something else": {[]step{{other, respond(500, "{}"), 10 * time.Second}, {other, respond(500, "{}"), 0}}, "", 0},
		"no connection":            {[]step{{reply, nil, 10 * time.Second}, {reply, nil, 0}}, ReasonConnection, 0},
		"long ago":                 {[]step{{reply, nil, 10 * time.Second}, {reply, nil, 11 * time.Minute}}, "", 0},
		"one channel is forbidden": {[]step{{reply, respond(403, `{"code":50013}`), 0}}, "", 0},
		"ban":                      {[]step{{other, respond(429, "error code: 1015"), 0}}, ReasonBanned, time.Hour},
		"ban, a while later":       {[]step{{other, respond(429, "error code: 1015"), 9 * time.Minute}}, ReasonBanned, 51 * time.Minute},
		"odd refusal":              {[]step{{reply, respond(429, "no"), 0}}, ReasonForeign, time.Minute},
		"odd refusal elsewhere":    {[]step{{other, respond(429, "no"), 0}}, "", 0},
		"odd refusal, long ago":    {[]step{{reply, respond(429, "no"), 3 * time.Minute}}, "", 0},
		"short limit":              {[]step{{reply, limited(5), 0}}, "", 0},
		"long limit":               {[]step{{reply, limited(300), 0}}, ReasonBucket, 300 * time.Second},
		"callback limited":         {[]step{{"POST /interactions/1/abc/callback", limited(4), 0}}, ReasonBucket, 4 * time.Second},
		"short global limit":       {[]step{{other, respond(429, `{"retry_after":5,"global":true}`), 0}}, "", 0},
		"long global limit":        {[]step{{other, respond(429, `{"retry_after":50,"global":true}`), 0}}, ReasonGlobal, 50 * time.Second},
		"portal":                   {[]step{{reply, respond(302, "", "Location", "http://hotel.test/"), 0}}, ReasonForeign, 10 * time.Second},
		"page instead of JSON":     {[]step{{reply, respond(200, "<html>log in</html>"), 0}}, ReasonForeign, 10 * time.Second},
		"page on another route":    {[]step{{other, respond(200, "<html>log in</html>"), 0}}, "", 0},
		"one of two ways":          {[]step{{"POST /interactions/1/abc/callback", respond(429, "no"), 0}, {reply, respond(200, "{}"), 0}}, ReasonForeign, time.Minute},
		"edit of no response":      {[]step{{"POST /interactions/1/abc/callback", respond(429, "no"), 0}, {"PATCH /webhooks/7/abc/messages/@original", respond(404, `{"code":10015}`), 0}}, ReasonForeign, time.Minute},
		"works, but is forbidden":  {[]step{{reply, respond(500, "{}"), 10 * time.Second}, {reply, respond(500, "{}"), 0}, {reply, respond(403, `{"code":50013}`), 0}}, "", 0},
		"no content":               {[]step{{"POST /interactions/1/abc/callback", respond(204, ""), 0}}, "", 0},
		"token refused":            {[]step{{reply, respond(401, `{"code":0}`), 0}}, ReasonUnauthorized, 0},
		"empty bucket":             {[]step{{reply, respond(200, "{}", bucketHeaders("b", "1", "0", "900")...), 0}, {reply, respond(200, "{}"), 0}}, ReasonBucket, 10 * time.Minute},
	} {
		run(t, Options{Tries: 1}, func(n int, _ sentRequest) (*http.Response, error) {
			if a := c.steps[n-1].answer; a != nil {
				return a, nil
			}
			return nil, errCut
		}, func(w *harness) {
			for _, s := range c.steps {
				method, path, _ := strings.Cut(s.request, " ")
				ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
				_, _ = w.send(w.request(ctx, method, path, "{}"))
				cancel()
				time.Sleep(s.pass)
			}
			u := w.transport.Undelivered()
			if u.Reason != c.want || u.Since.IsZero() != (c.want == "") {
				t.Fatalf("%s: %+v", name, u)
			}
			if left := time.Until(u.Until); c.until != 0 && (left < c.until-time.Second || left > c.until) {
				t.Errorf("%s: for another %s, want %s", name, left, c.until)
			}
		})
	}
}

// What one answer, refusal or delay means for those after it, by the moment it came.
func TestDeliveryRemembersTheLastFailure(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	from := func(method, template string, exempt bool) *request {
		return &request{route: route{method: method, template: template}, owner: "bot", exempt: exempt}
	}
	message, response := from("POST", messages, false), from("POST", "/webhooks/{webhook}/{token}", true)
	foreign := from("POST", messages, false)
	foreign.owner = ""
	callback := from("POST", "/interactions/{interaction}/{token}/callback", true)
	callback.route.callback = true
	type step struct {
		at time.Duration
		do func(d *deliveries, now time.Time)
	}
	ended := func(at time.Duration, r *request, status int, out outcome) step {
		return step{at, func(d *deliveries, now time.Time) { d.ended(r, now, out, status) }}
	}
	refused := func(at time.Duration, r *request, reason Reason, left time.Duration, why error) step {
		return step{at, func(d *deliveries, now time.Time) {
			said := &Error{Reason: reason, Err: why}
			if left >= 0 {
				said.Until = now.Add(left)
			}
			d.refused(r, now, said)
		}}
	}
	delayed := func(at time.Duration, r *request, left time.Duration) step {
		return step{at, func(d *deliveries, now time.Time) {
			d.delayed(r, now, decision{until: now.Add(left), reason: ReasonBucket})
		}}
	}
	over := func(at time.Duration, reason Reason) step {
		return step{at, func(d *deliveries, _ time.Time) { d.over(reason) }}
	}
	broken := outcome{failed: true, reason: ReasonServer}
	limited := func(reason Reason, wait time.Duration) outcome {
		return outcome{rateLimited: true, reason: reason, wait: wait}
	}
	banned := func(wait time.Duration) outcome { return outcome{reason: ReasonBanned, wait: wait} }
	const s, m = time.Second, time.Minute
	for name, c := range map[string]struct {
		steps               []step
		look                time.Duration
		reason              Reason
		status              int
		since, until, retry time.Duration // -1: none
	}{
		"one failure":                   {[]step{ended(0, message, 500, broken)}, m, "", 0, -1, -1, -1},
		"two failures":                  {[]step{ended(0, message, 500, broken), ended(5*s, message, 502, broken)}, 5 * s, ReasonServer, 502, 0, -1, -1},
		"two failures at once":          {[]step{ended(0, message, 500, broken), ended(4*s, message, 502, broken)}, 4 * s, "", 0, -1, -1, -1},
		"two failures at once, later":   {[]step{ended(0, message, 500, broken), ended(4*s, message, 502, broken)}, 5 * s, ReasonServer, 502, 0, -1, -1},
		"no answer keeps the status":    {[]step{ended(0, message, 500, broken), ended(5*s, message, 0, broken)}, 5 * s, ReasonServer, 500, 0, -1, -1},
		"another reason has its own":    {[]step{ended(0, message, 500, broken), ended(5*s, message, 0, outcome{failed: true, reason: ReasonConnection})}, 5 * s, ReasonConnection, 0, 0, -1, -1},
		"failures are believed":         {[]step{ended(0, message, 500, broken), ended(5*s, message, 500, broken)}, 10*m + 5*s, ReasonServer, 500, 0, -1, -1},
		"failures for ten minutes":      {[]step{ended(0, message, 500, broken), ended(5*s, message, 500, broken)}, 10*m + 5*s + 1, "", 0, -1, -1, -1},
		"and begin anew":                {[]step{ended(0, message, 500, broken), ended(11*m, message, 500, broken), ended(11*m+5*s, message, 500, broken)}, 12 * m, ReasonServer, 500, 11 * m, -1, -1},
		"and not before":                {[]step{ended(0, message, 500, broken), ended(9*m, message, 500, broken)}, 9 * m, ReasonServer, 500, 0, -1, -1},
		"a success ends them":           {[]step{ended(0, message, 500, broken), ended(5*s, message, 200, outcome{}), ended(6*s, message, 500, broken)}, 7 * s, "", 0, -1, -1, -1},
		"so does a refusal by Discord":  {[]step{ended(0, message, 500, broken), ended(5*s, message, 500, broken), ended(6*s, message, 400, outcome{})}, 7 * s, "", 0, -1, -1, -1},
		"but none of an interaction":    {[]step{ended(0, response, 500, broken), ended(5*s, response, 500, broken), ended(6*s, response, 400, outcome{})}, 7 * s, ReasonServer, 500, 0, -1, -1},
		"nor does it end a limit":       {[]step{ended(0, message, 429, limited(ReasonBucket, 5*m)), ended(6*s, message, 400, outcome{})}, 7 * s, ReasonBucket, 429, 0, 5 * m, 5 * m},
		"a redirect gets out":           {[]step{ended(0, response, 500, broken), ended(5*s, response, 500, broken), ended(6*s, response, 399, outcome{})}, 7 * s, "", 0, -1, -1, -1},
		"short limit":                   {[]step{ended(0, message, 429, limited(ReasonBucket, 10*s-1))}, 0, "", 0, -1, -1, -1},
		"long limit":                    {[]step{ended(0, message, 429, limited(ReasonBucket, 10*s))}, 10 * s, ReasonBucket, 429, 0, 10 * s, 10 * s},
		"short limit of a callback":     {[]step{ended(0, callback, 429, limited(ReasonBucket, 2*s-1))}, 0, "", 0, -1, -1, -1},
		"long limit of a callback":      {[]step{ended(0, callback, 429, limited(ReasonBucket, 2*s))}, 0, ReasonBucket, 429, 0, 2 * s, 2 * s},
		"limit is looked at":            {[]step{ended(0, message, 429, limited(ReasonShared, 30*m))}, 29 * m, ReasonShared, 429, 0, 30 * m, 10 * m},
		"limit is over":                 {[]step{ended(0, message, 429, limited(ReasonShared, 30*m))}, 30*m + 1, "", 0, -1, -1, -1},
		"short limit of something else": {[]step{ended(0, message, 429, limited(ReasonForeign, s))}, m, ReasonForeign, 429, 0, s, s},
		"it is believed for a minute":   {[]step{ended(0, message, 429, limited(ReasonForeign, s))}, m + 1, "", 0, -1, -1, -1},
		"ban":                           {[]step{ended(0, message, 403, banned(30*m))}, m, ReasonBanned, 403, 0, 30 * m, 10 * m},
		"ban is over":                   {[]step{ended(0, message, 403, banned(30*m)), over(m, ReasonBanned)}, 2 * m, "", 0, -1, -1, -1},
		"ban is over for responses":     {[]step{ended(0, response, 403, banned(30*m)), over(m, ReasonBanned)}, 2 * m, "", 0, -1, -1, -1},
		"a global limit is over":        {[]step{ended(0, message, 429, limited(ReasonGlobal, 30*m)), over(m, ReasonGlobal)}, 2 * m, "", 0, -1, -1, -1},
		"only the other is over":        {[]step{ended(0, message, 403, banned(30*m)), over(m, ReasonGlobal)}, 2 * m, ReasonBanned, 403, 0, 30 * m, 10 * m},
		"a bucket's is not over":        {[]step{ended(0, message, 429, limited(ReasonBucket, 30*m)), over(m, ReasonBucket)}, 2 * m, ReasonBucket, 429, 0, 30 * m, 10 * m},
		"401":                           {[]step{ended(0, message, 401, outcome{})}, 0, ReasonUnauthorized, 401, 0, -1, -1},
		"401 is over":                   {[]step{ended(0, message, 401, outcome{}), over(s, ReasonUnauthorized)}, m, "", 0, -1, -1, -1},
		"401 without a token":           {[]step{ended(0, foreign, 401, outcome{})}, 0, "", 0, -1, -1, -1},
		"reading is no answer":          {[]step{ended(0, from("GET", messages, false), 401, outcome{}), ended(0, from("GET", "/webhooks/{webhook}/{token}", true), 401, outcome{})}, 0, "", 0, -1, -1, -1},
		"nor is another route":          {[]step{ended(0, from("POST", "/channels/{channel}/typing", false), 401, outcome{})}, 0, "", 0, -1, -1, -1},
		"nor another webhook":           {[]step{ended(0, from("POST", "/webhooks/{webhook}/{token}", false), 401, outcome{}), delayed(0, from("POST", "/webhooks/{webhook}/{token}", false), m)}, 0, "", 0, -1, -1, -1},
		"an edit of a response is one":  {[]step{ended(0, from("PATCH", "/webhooks/{webhook}/{token}/messages/@original", true), 401, outcome{})}, 0, ReasonUnauthorized, 401, 0, -1, -1},
		"the last way counts":           {[]step{ended(0, message, 429, limited(ReasonBucket, 30*m)), ended(s, response, 429, limited(ReasonShared, 30*m))}, m, ReasonShared, 429, s, 30*m + s, 10*m + s},
		"the last way, messages":        {[]step{ended(0, response, 429, limited(ReasonBucket, 30*m)), ended(s, message, 429, limited(ReasonShared, 30*m))}, m, ReasonShared, 429, s, 30*m + s, 10*m + s},
		"the way that is closed":        {[]step{ended(0, message, 429, limited(ReasonBucket, 30*m)), ended(s, response, 200, outcome{})}, m, ReasonBucket, 429, 0, 30 * m, 10 * m},
		"the way that is closed, other": {[]step{ended(0, message, 200, outcome{}), ended(s, response, 429, limited(ReasonBucket, 30*m))}, m, ReasonBucket, 429, s, 30*m + s, 10*m + s},
		"closed, and failed by chance":  {[]step{ended(0, message, 429, limited(ReasonBucket, 30*m)), ended(s, response, 500, broken)}, m, ReasonBucket, 429, 0, 30 * m, 10 * m},
		"failed by chance, and closed":  {[]step{ended(0, response, 429, limited(ReasonBucket, 30*m)), ended(s, message, 500, broken)}, m, ReasonBucket, 429, 0, 30 * m, 10 * m},
		"refused":                       {[]step{refused(0, message, ReasonBanned, 5*m, ErrBanned)}, m, ReasonBanned, 0, 0, 5 * m, 5 * m},
		"refused again":                 {[]step{ended(0, message, 403, banned(30*m)), refused(m, message, ReasonBanned, 9*m, ErrBanned)}, 2 * m, ReasonBanned, 403, 0, 30 * m, 10 * m},
		"refused for longer":            {[]step{ended(0, message, 403, banned(5*m)), refused(m, message, ReasonBanned, 9*m, ErrBanned)}, 2 * m, ReasonBanned, 403, 0, 10 * m, 10 * m},
		"refused for another reason":    {[]step{ended(0, message, 403, banned(5*m)), refused(m, message, ReasonInvalid, m, ErrInvalid)}, 90 * s, ReasonInvalid, 0, 0, 2 * m, 2 * m},
		"refused as long as it lasts":   {[]step{ended(0, message, 401, outcome{}), refused(50*s, message, ReasonUnauthorized, -1, ErrUnauthorized)}, 110 * s, ReasonUnauthorized, 401, 0, -1, -1},
		"refused, and believed":         {[]step{ended(0, message, 401, outcome{}), refused(50*s, message, ReasonUnauthorized, -1, ErrUnauthorized)}, 110*s + 1, "", 0, -1, -1, -1},
		"rate limit for long":           {[]step{refused(0, message, ReasonBucket, 10*s, ErrRateLimited)}, 0, ReasonBucket, 0, 0, 10 * s, 10 * s},
		"rate limit for short":          {[]step{refused(0, message, ReasonBucket, 10*s-1, ErrRateLimited)}, 0, "", 0, -1, -1, -1},
		"given up in a short wait":      {[]step{refused(0, message, ReasonBucket, s, context.Canceled)}, 0, ReasonBucket, 0, 0, s, s},
		"no webhook":                    {[]step{refused(0, message, ReasonWebhookGone, 0, ErrWebhookGone)}, 0, "", 0, -1, -1, -1},
		"the pace":                      {[]step{refused(0, message, ReasonPace, m, context.Canceled)}, 0, "", 0, -1, -1, -1},
		"another error":                 {[]step{{0, func(d *deliveries, now time.Time) { d.refused(message, now, errCut) }}}, 0, "", 0, -1, -1, -1},
		"delayed for long":              {[]step{delayed(0, message, 10*s)}, 0, ReasonBucket, 0, 0, 10 * s, 10 * s},
		"delayed for short":             {[]step{delayed(0, message, 10*s-1)}, 0, "", 0, -1, -1, -1},
		"delayed callback":              {[]step{delayed(0, callback, 2*s)}, 0, ReasonBucket, 0, 0, 2 * s, 2 * s},
		"delayed until the look":        {[]step{ended(0, message, 429, limited(ReasonShared, 30*m)), delayed(0, message, 10*m)}, 0, ReasonShared, 429, 0, 30 * m, 10 * m},
		"delayed for longer":            {[]step{ended(0, message, 429, limited(ReasonShared, 10*m)), delayed(0, message, 11*m)}, 0, ReasonBucket, 0, 0, 11 * m, 11 * m},
	} {
		var d deliveries
		for _, step := range c.steps {
			step.do(&d, began.Add(step.at))
		}
		want := Undelivered{Reason: c.reason, Status: c.status}
		for _, at := range []struct {
			to *time.Time
			d  time.Duration
		}{{&want.Since, c.since}, {&want.Until, c.until}, {&want.Retry, c.retry}} {
			if at.d >= 0 {
				*at.to = began.Add(at.d)
			}
		}
		if got := d.state(began.Add(c.look)); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// What stops all of REST is told though no answer waits, from when answers stopped getting
// out, and of two tokens the one that waits longer; not what is over.
func TestWhatStopsAllIsUndelivered(t *testing.T) {
	const ban = "error code: 1015"
	limited := func(wait string) *http.Response { return respond(429, `{"retry_after":`+wait+`,"global":true}`) }
	for name, c := range map[string]struct {
		failing time.Duration // for how long answers have not got out before; -1: only after
		answers []*http.Response
		pass    time.Duration
		want    Undelivered
		since   time.Duration // from the first of the answers
		until   time.Duration
		retry   time.Duration
	}{
		"ban":                  {0, []*http.Response{respond(429, ban)}, time.Minute, Undelivered{Reason: ReasonBanned, Status: 429, Code: 1015}, 0, time.Hour, 10 * time.Minute},
		"ban of another form":  {0, []*http.Response{respond(403, "error code: 1006")}, time.Minute, Undelivered{Reason: ReasonBanned, Status: 403, Code: 1006}, 0, time.Hour, 10 * time.Minute},
		"ban after failures":   {20 * time.Second, []*http.Response{respond(429, ban)}, time.Minute, Undelivered{Reason: ReasonBanned, Status: 429, Code: 1015}, -20 * time.Second, time.Hour, 10 * time.Minute},
		"ban before failures":  {-1, []*http.Response{respond(429, ban)}, time.Minute, Undelivered{Reason: ReasonBanned, Status: 429, Code: 1015}, 0, time.Hour, 10 * time.Minute},
		"ban is over":          {0, []*http.Response{respond(429, ban, "Retry-After", "30")}, 30 * time.Second, Undelivered{}, 0, 0, 0},
		"refused too often":    {0, []*http.Response{respond(403, "{}"), respond(403, "{}"), respond(403, "{}")}, time.Minute, Undelivered{Reason: ReasonInvalid}, 0, 10 * time.Minute, 10 * time.Minute},
		"refused, and is over": {0, []*http.Response{respond(403, "{}"), respond(403, "{}"), respond(403, "{}")}, 10 * time.Minute, Undelivered{}, 0, 0, 0},
		"global limit":         {0, []*http.Response{limited("1200")}, time.Minute, Undelivered{Reason: ReasonGlobal, Status: 429}, 0, 20 * time.Minute, 10 * time.Minute},
		"of two tokens":        {0, []*http.Response{limited("20"), limited("40")}, time.Second, Undelivered{Reason: ReasonGlobal, Status: 429}, 0, 40 * time.Second, 40 * time.Second},
		"of many tokens":       {0, []*http.Response{limited("20"), limited("30"), limited("25"), limited("40"), limited("35"), limited("15"), limited("12")}, time.Second, Undelivered{Reason: ReasonGlobal, Status: 429}, 0, 40 * time.Second, 40 * time.Second},
		"of two, the first":    {0, []*http.Response{limited("40"), limited("20")}, time.Second, Undelivered{Reason: ReasonGlobal, Status: 429}, 0, 40 * time.Second, 40 * time.Second},
		"global limit is over": {0, []*http.Response{limited("20")}, 20 * time.Second, Undelivered{}, 0, 0, 0},
		"short global limit":   {0, []*http.Response{limited("9")}, time.Second, Undelivered{}, 0, 0, 0},
	} {
		var next []*http.Response
		options := Options{Tries: 1}
		if strings.HasPrefix(name, "refused") {
			options.InvalidLimit = len(c.answers)
		}
		run(t, options, func(int, sentRequest) (*http.Response, error) {
			if len(next) == 0 {
				return respond(500, "{}"), nil
			}
			answer := next[0]
			next = next[1:]
			return answer, nil
		}, func(w *harness) {
			if c.failing > 0 {
				_, _ = w.do("POST", "/channels/1/messages", "{}")
				time.Sleep(c.failing)
				_, _ = w.do("POST", "/channels/1/messages", "{}")
			}
			next = c.answers
			began := time.Now()
			for n := range c.answers {
				ctx, cancel := context.WithTimeout(w.t.Context(), time.Millisecond)
				req := w.request(ctx, "GET", "/channels/"+strconv.Itoa(n), "")
				req.Header.Set("Authorization", "Bot "+strconv.Itoa(n))
				_, _ = w.send(req)
				cancel()
			}
			if c.failing < 0 {
				time.Sleep(30 * time.Second)
				_, _ = w.do("POST", "/channels/1/messages", "{}")
			}
			time.Sleep(time.Until(began.Add(c.pass)))
			if c.want.Reason != "" {
				c.want.Since, c.want.Until, c.want.Retry = began.Add(c.since), began.Add(c.until), began.Add(c.retry)
			}
			if got := w.transport.Undelivered(); got != c.want {
				t.Errorf("%s: %+v, want %+v", name, got, c.want)
			}
			// The statistics tell the same, and for short global limits too.
			s := w.transport.Stats()
			if c.want.Reason != "" && (s.Why != c.want.Reason || !s.Stopped.Equal(c.want.Until)) || strings.Contains(name, "is over") && (s.Why != "" || !s.Stopped.IsZero()) {
				t.Errorf("%s: stats are %+v", name, s)
			}
		})
	}
}

// Given a global limit of a day, an hour of it is believed, and every ten minutes one
// request looks whether it is over; its answer lets the others go.
// Statements: G-130.
func TestLongGlobalLimitIsLookedAt(t *testing.T) {
	run(t, Options{Timeout: 24 * time.Hour, AttemptTimeout: time.Hour}, func(n int, _ sentRequest) (*http.Response, error) {
		if n <= 2 {
			return respond(429, `{"retry_after":86400,"global":true}`), nil
		}
		return respond(200, "{}"), nil
	}, func(w *harness) {
		w.discord.delay = func(sentRequest) time.Duration { return time.Second }
		done := make(chan struct{})
		for n := range 5 {
			go func() {
				w.must(200, "GET", "/channels/"+strconv.Itoa(n+1), "")
				done <- struct{}{}
			}()
			time.Sleep(2 * time.Second)
		}
		if u := w.transport.Undelivered(); u.Reason != ReasonGlobal || time.Until(u.Until) > time.Hour || time.Until(u.Retry) > 10*time.Minute {
			t.Errorf("%+v", u)
		}
		for range 5 {
			<-done
		}
		look := 20*time.Minute + 2*time.Second
		w.at(0, 10*time.Minute+time.Second, look, look+time.Second, look+time.Second, look+time.Second, look+time.Second)
	})
}

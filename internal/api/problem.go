package api

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// problem is an answer that is not what was asked for, as RFC 9457 has it: a
// title for the kind, a detail that says what to do.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Bot is the bot's status where that is the problem.
	Bot string `json:"bot_status,omitempty"`
	// Remedy is what a person has to do about it.
	Remedy string `json:"remedy,omitempty"`
}

// The problems that do not depend on the bot.
var (
	notFound         = problem{Title: "Not found", Status: http.StatusNotFound, Detail: "There is /livez, /readyz, /startupz and /health."}
	methodNotAllowed = problem{Title: "Method not allowed", Status: http.StatusMethodNotAllowed, Detail: "Use GET or HEAD."}
	bodyNotAllowed   = problem{Title: "Body not allowed", Status: http.StatusRequestEntityTooLarge, Detail: "Send the request without a body."}
	badToken         = problem{Title: "Unauthorized", Status: http.StatusUnauthorized, Detail: "Send the header Authorization: Bearer followed by the value of API_TOKEN."}
	tokenNotSet      = problem{Title: "Forbidden", Status: http.StatusForbidden, Detail: "This address can be reached from other machines, so only the probes are served. Set API_TOKEN to get more, or listen on a loopback address."}
	wrongHost        = problem{Title: "Misdirected request", Status: http.StatusMisdirectedRequest, Detail: "Without API_TOKEN only requests to localhost or a loopback address are served. Set API_TOKEN to use another name."}
	broken           = problem{Title: "Internal error", Status: http.StatusInternalServerError, Detail: "The bot's log says more."}
)

func (p problem) write(w http.ResponseWriter) { writeJSON(w, p.Status, "application/problem+json", p) }

// writeJSON writes a whole answer. A client that has gone away is no error.
func writeJSON(w http.ResponseWriter, status int, kind string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		// Only an unencodable type leads here, and none is given.
		status, body = http.StatusInternalServerError, []byte("{}")
	}
	body = append(body, '\n')
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

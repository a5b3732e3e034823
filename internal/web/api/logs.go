package api

import (
	"log/slog"
	"net/http"
	"time"

	"evergreen/internal/process/logging"
)

// mostLines is how many lines an answer has at most.
const mostLines = 300

// lineBody is one line as it is sent.
type lineBody struct {
	At        *time.Time        `json:"at"`
	Level     string            `json:"level"`
	Component string            `json:"component"`
	Text      string            `json:"text"`
	Attrs     map[string]string `json:"attrs"`
}

func newLineBody(l logging.Line) lineBody {
	b := lineBody{At: timeOrNull(l.At), Level: levelName(l.Level), Component: l.Component, Text: l.Text, Attrs: map[string]string{}}
	for _, a := range l.Attrs {
		b.Attrs[a.Key] = a.Value.String()
	}
	return b
}

// levelName is the name of the level at or below, as it is sent.
func levelName(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "error"
	case level >= slog.LevelWarn:
		return "warning"
	case level >= slog.LevelInfo:
		return "info"
	}
	return "debug"
}

// logsBody is the answer of /api/v1/logs.
type logsBody struct {
	Lines []lineBody `json:"lines"`
}

// logs shows the last lines of the log.
func (s *Server) logs(w http.ResponseWriter, r *http.Request) {
	limit, ok := readNumber(r.URL.Query().Get("limit"), 100, mostLines)
	if !ok {
		badLimit(mostLines).Write(w)
		return
	}
	var body logsBody
	if s.opts.Lines != nil {
		body.Lines = []lineBody{}
		for _, line := range s.opts.Lines.Last(limit) {
			body.Lines = append(body.Lines, newLineBody(line))
		}
	}
	WriteJSON(w, http.StatusOK, "application/json", body)
}

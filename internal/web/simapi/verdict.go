package simapi

import (
	"net/http"

	"evergreen/discordsim"
)

// verdict tells how a bot fares. Times are in seconds.
func (h *Handler) verdict(r *http.Request) (any, error) {
	app, err := h.bot(reference(r.URL.Query().Get("bot")))
	if err != nil {
		return nil, err
	}
	v := h.opts.Sim.Verdict(app)
	broken := []map[string]any{}
	for _, one := range v.Violations {
		broken = append(broken, newViolation(one))
	}
	return map[string]any{
		"asked": v.Asked, "answered": v.Answered, "answered_by_reply": v.AnsweredByReply, "answered_in_order": v.AnsweredInOrder, "lost": v.Lost, "twice": v.Twice, "waiting": v.Waiting, "unheard": v.Unheard,
		"connections": v.Dials, "identifies": v.Identifies, "min_identify_spacing_s": v.MinIdentifySpacing.Seconds(),
		"resumes": v.Resumes, "resumed": v.Resumed, "close_codes": v.CloseCodes, "invalid_requests": v.InvalidRequests,
		"max_sends": v.MaxSends, "max_presences": v.MaxPresences, "dispatched": v.Dispatched, "redelivered": v.Redelivered,
		"green_s": v.Online.Seconds(), "grey_s": v.Offline.Seconds(), "longest_gap_s": v.LongestGap.Seconds(), "violations": broken,
	}, nil
}

func newViolation(v discordsim.Violation) map[string]any {
	return map[string]any{"at": v.At, "connection": v.Conn, "statement": v.Statement, "what": v.What, "note": v.Note()}
}

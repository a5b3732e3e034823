package health

import (
	"strconv"
	"time"

	"evergreen/internal/discord/rest"
)

// undeliveredCauses are the causes of which the remedy is told when answers do not get
// out for a reason. Without one it is that of [AnswersBlocked].
var undeliveredCauses = map[rest.Reason]CauseID{
	rest.ReasonBanned:       IPBanned,
	rest.ReasonInvalid:      IPBanned,
	rest.ReasonUnauthorized: TokenRefused,
	rest.ReasonServer:       DiscordOutage,
	rest.ReasonConnection:   NetworkDown,
}

// whyUndelivered says why answers do not get out, as part of a sentence.
func whyUndelivered(u rest.Undelivered) Message {
	key := "undelivered." + string(u.Reason)
	switch number := u.Status; u.Reason {
	case rest.ReasonBanned:
		if u.Code != 0 {
			return NewMessage(key+".code", strconv.Itoa(u.Code))
		}
	case rest.ReasonServer, rest.ReasonForeign:
		if number != 0 {
			return NewMessage(key+".http", strconv.Itoa(number))
		}
	}
	return NewMessage(key)
}

// undeliveredSign says in an incident that answers do not get out.
func undeliveredSign(u rest.Undelivered) Message {
	return NewMessage("answers-blocked", whyUndelivered(u))
}

// undeliveredStatus says the same in the reason of a status, with until when.
func undeliveredStatus(u rest.Undelivered, now time.Time) Message {
	switch {
	case !u.Until.After(now):
		return undeliveredSign(u)
	case u.Retry.After(now) && u.Retry.Before(u.Until):
		return NewMessage("status.answers-blocked.retry", undeliveredSign(u), moment(u.Until), moment(u.Retry))
	}
	return NewMessage("status.answers-blocked.until", undeliveredSign(u), moment(u.Until))
}

// moment writes a time of today: in UTC, because the reader may be anywhere, and by the
// wall clock as it is set now.
func moment(t time.Time) string {
	return time.Now().Add(time.Until(t)).Round(time.Second).UTC().Format("15:04:05 UTC")
}

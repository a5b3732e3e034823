package discordsim

import (
	"fmt"
	"net/http"
	"strings"
)

// restError is a refusal in Discord's words: the HTTP status, and the code and
// message of the body (S-081).
type restError struct {
	status  int
	code    int
	message string
}

// The refusals of the REST API. Statuses and codes are Discord's; a test holds
// the table against the protocol.
var (
	errUnauthorized       = restError{http.StatusUnauthorized, 0, "401: Unauthorized"}
	errNoRoute            = restError{http.StatusNotFound, 0, "404: Not Found"}
	errMethod             = restError{http.StatusMethodNotAllowed, 0, "405: Method Not Allowed"}
	errVersion            = restError{http.StatusBadRequest, 50041, "Invalid API version specified"}
	errUserAgent          = restError{http.StatusForbidden, 40333, "internal network error"}
	errNotJSON            = restError{http.StatusBadRequest, 50109, "The request body contains invalid JSON."}
	errTooLarge           = restError{http.StatusRequestEntityTooLarge, 40005, "Request entity too large"}
	errUnknownApp         = restError{http.StatusNotFound, 10002, "Unknown Application"}
	errUnknownChannel     = restError{http.StatusNotFound, 10003, "Unknown Channel"}
	errUnknownGuild       = restError{http.StatusNotFound, 10004, "Unknown Guild"}
	errUnknownMessage     = restError{http.StatusNotFound, 10008, "Unknown Message"}
	errUnknownMember      = restError{http.StatusNotFound, 10007, "Unknown Member"}
	errUnknownUser        = restError{http.StatusNotFound, 10013, "Unknown User"}
	errUnknownEmoji       = restError{http.StatusBadRequest, 10014, "Unknown Emoji"}
	errUnknownWebhook     = restError{http.StatusNotFound, 10015, "Unknown Webhook"}
	errUnknownInteract    = restError{http.StatusNotFound, 10062, "Unknown interaction"}
	errUnknownCommand     = restError{http.StatusNotFound, 10063, "Unknown application command"}
	errNotThisApp         = restError{http.StatusForbidden, 20012, "You are not authorized to perform this action on this application"}
	errDailyCreates       = restError{http.StatusBadRequest, 30034, "Max number of daily application command creates has been reached (200)"}
	errAcknowledged       = restError{http.StatusBadRequest, 40060, "Interaction has already been acknowledged."}
	errMissingAccess      = restError{http.StatusForbidden, 50001, "Missing Access"}
	errNotYourDM          = restError{http.StatusForbidden, 50003, "Cannot execute action on a DM channel"}
	errNotYourMessage     = restError{http.StatusForbidden, 50005, "Cannot edit a message authored by another user"}
	errEmptyMessage       = restError{http.StatusBadRequest, 50006, "Cannot send an empty message"}
	errCannotMessageUser  = restError{http.StatusForbidden, 50007, "Cannot send messages to this user"}
	errMissingPermission  = restError{http.StatusForbidden, 50013, "Missing Permissions"}
	errNoHistory          = restError{http.StatusForbidden, 160002, "Cannot reply without permission to read message history"}
	errWebhookToken       = restError{http.StatusUnauthorized, 50027, "Invalid Webhook Token"}
	errEntryPointMissing  = restError{http.StatusBadRequest, 50240, "You cannot remove this app's Entry Point command in a bulk update operation. Please include the Entry Point command in your update request or delete it separately."}
	errUnknownOverwrite   = restError{http.StatusNotFound, 10009, "Unknown Overwrite"}
	errUnknownTag         = restError{http.StatusNotFound, 10087, "Unknown Tag"}
	errTooManyChannels    = restError{http.StatusBadRequest, 30013, "Maximum number of guild channels reached (500)"}
	errTagRequired        = restError{http.StatusBadRequest, 40067, "A tag is required to create a forum post in this channel"}
	errNoTextChannel      = restError{http.StatusBadRequest, 50008, "Cannot send messages in a non-text channel"}
	errWrongChannelType   = restError{http.StatusBadRequest, 50024, "Cannot execute action on this channel type"}
	errThreadArchived     = restError{http.StatusBadRequest, 50083, "Thread is archived"}
	errThreadExists       = restError{http.StatusBadRequest, 160004, "A thread has already been created for this message"}
	errTooManyPins        = restError{http.StatusBadRequest, 30003, "Maximum number of pins reached for the channel (250)"}
	errTooManyReactions   = restError{http.StatusBadRequest, 30010, "Maximum number of reactions reached (20)"}
	errCrossposted        = restError{http.StatusBadRequest, 40033, "This message has already been crossposted"}
	errSystemMessage      = restError{http.StatusForbidden, 50021, "Cannot execute action on a system message"}
	errTooOldForBulk      = restError{http.StatusBadRequest, 50034, "You can only bulk delete messages that are under 14 days old."}
	errNoSuchEmoji        = restError{http.StatusNotFound, 10014, "Unknown Emoji"}
	errUnknownSticker     = restError{http.StatusNotFound, 10060, "Unknown sticker"}
	errTooManyWebhooks    = restError{http.StatusBadRequest, 30007, "Maximum number of webhooks reached (15)"}
	errTooManyEmojis      = restError{http.StatusBadRequest, 30008, "Maximum number of emojis reached (50)"}
	errTooManyAnimated    = restError{http.StatusBadRequest, 30018, "Maximum number of animated emojis reached (50)"}
	errTooManyStickers    = restError{http.StatusBadRequest, 30039, "Maximum number of stickers reached (5)"}
	errThreadNeeded       = restError{http.StatusBadRequest, 220001, "Webhooks posted to forum channels must have a thread_name or thread_id"}
	errThreadNamedTwice   = restError{http.StatusBadRequest, 220002, "Webhooks posted to forum channels cannot have both a thread_name and thread_id"}
	errNoThreadHere       = restError{http.StatusBadRequest, 220003, "Webhooks can only create threads in forum channels"}
	errUnknownStage       = restError{http.StatusNotFound, 10067, "Unknown Stage Instance"}
	errUnknownEvent       = restError{http.StatusNotFound, 10070, "Unknown Guild Scheduled Event"}
	errUnknownSound       = restError{http.StatusNotFound, 10097, "Unknown sound"}
	errTooManyEvents      = restError{http.StatusBadRequest, 30038, "Maximum number of guild scheduled events reached"}
	errTooManySounds      = restError{http.StatusBadRequest, 30045, "Maximum number of soundboard sounds reached"}
	errStageOpen          = restError{http.StatusBadRequest, 150006, "The Stage is already open"}
	errEventOver          = restError{http.StatusBadRequest, 180000, "Cannot update a finished event"}
	errPollExpired        = restError{http.StatusBadRequest, 520001, "Poll expired"}
	errPollEdited         = restError{http.StatusBadRequest, 520003, "Cannot edit a poll message"}
	errNoPoll             = restError{http.StatusBadRequest, 520006, "Cannot expire a non-poll message"}
	errUnknownInvite      = restError{http.StatusNotFound, 10006, "Unknown Invite"}
	errUnknownRole        = restError{http.StatusNotFound, 10011, "Unknown Role"}
	errUnknownBan         = restError{http.StatusNotFound, 10026, "Unknown Ban"}
	errTooManyRoles       = restError{http.StatusBadRequest, 30005, "Maximum number of server roles reached (250)"}
	errNotInVoice         = restError{http.StatusBadRequest, 40032, "Target user is not connected to voice."}
	errInvalidRole        = restError{http.StatusBadRequest, 50028, "Invalid Role"}
	errBanFailed          = restError{http.StatusBadRequest, 500000, "Failed to ban users"}
	errUnknownIntegration = restError{http.StatusNotFound, 10005, "Unknown Integration"}
	errUnknownTemplate    = restError{http.StatusNotFound, 10057, "Unknown guild template"}
	errUnknownVoiceState  = restError{http.StatusNotFound, 10065, "Unknown Voice State"}
	errUnknownPermissions = restError{http.StatusNotFound, 10066, "Unknown application command permissions"}
	errUnknownWelcome     = restError{http.StatusNotFound, 10069, "Unknown Guild Welcome Screen"}
	errNotForBots         = restError{http.StatusForbidden, 20001, "Bots cannot use this endpoint"}
	errTemplateExists     = restError{http.StatusBadRequest, 30031, "A server template already exists for this server"}
	errWidgetDisabled     = restError{http.StatusForbidden, 50004, "Widget Disabled"}
	errOnboarding         = restError{http.StatusBadRequest, 350000, "Cannot enable onboarding, requirements are not met"}
	errInvalidForm        = restError{http.StatusBadRequest, 50035, "Invalid Form Body"}
)

// answer is the response that says so.
func (p restError) answer() restResponse {
	return restResponse{status: p.status, body: map[string]any{"message": p.message, "code": p.code}}
}

// refusal is the answer for a function that finds something or refuses.
func (p restError) refusal() *restResponse {
	a := p.answer()
	return &a
}

// formErrors is the errors tree of a 50035: field names and list indexes down to
// the leaves, which hold the messages.
type formErrors struct {
	root map[string]any
	n    int
}

// maxFormErrors bounds the tree and so the response.
const maxFormErrors = 100

// add adds an error under a dotted path such as "embeds.0.title"; the
// empty path is the body itself.
func (c *formErrors) add(path, code, format string, args ...any) {
	if c.n++; c.n > maxFormErrors {
		return
	}
	if c.root == nil {
		c.root = map[string]any{}
	}
	at := c.root
	for step := range strings.SplitSeq(path, ".") {
		if step == "" {
			continue
		}
		next, ok := at[step].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[step] = next
		}
		at = next
	}
	leaf, _ := at["_errors"].([]any)
	at["_errors"] = append(leaf, map[string]any{"code": code, "message": fmt.Sprintf(format, args...)})
}

// any reports whether there are errors.
func (c *formErrors) any() bool { return c.n > 0 }

// answer is the 400 50035 with the tree.
func (c *formErrors) answer() restResponse {
	return restResponse{status: errInvalidForm.status, body: map[string]any{
		"message": errInvalidForm.message, "code": errInvalidForm.code, "errors": c.root,
	}}
}

// formError is the 50035 with one error.
func formError(path, code, format string, args ...any) restResponse {
	var c formErrors
	c.add(path, code, format, args...)
	return c.answer()
}
